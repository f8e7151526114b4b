"""Lists that come in pages: every item once, as few requests as it takes, and no way to go round for ever."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp_types import TextContent

from tests.generated import Built, build
from tests.runtime.upstream import Answer, Peer, Received, Upstream, response

pytestmark = pytest.mark.anyio

CATALOG = Path(__file__).parents[1] / "cases" / "pages" / "api_catalog.json"
BILLS = [{"number": str(number)} for number in range(12)]
PAGE = "mcp-codegen/page"

Told = tuple[Any, Mapping[str, str]]
"""A body and headers."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    built = build(json.loads(CATALOG.read_text("utf-8")), tmp_path_factory.mktemp("pages"))
    with built.importable():
        yield built


@pytest.fixture
def environ(upstream: Upstream) -> dict[str, str]:
    return {"BILLS_URL": upstream.url, "FORGE_URL": upstream.url}


@pytest.fixture
async def client(pages: Built, environ: Mapping[str, str]) -> AsyncIterator[Any]:
    async with pages.load("client").PagesClient.in_process(environ) as client:
        yield client


@pytest.fixture
async def plain(pages: Built, environ: Mapping[str, str]) -> AsyncIterator[Client]:
    async with Client(pages.load("server").create_server(environ)) as plain:
        yield plain


def telling(tell: Callable[[dict[str, str]], Told], status: str = "200 OK") -> Answer:
    """An upstream that answers by the query."""

    async def answer(request: Received, peer: Peer) -> None:
        body, headers = tell(dict(request.query))
        await peer.send(response(json.dumps(body).encode(), status, *(f"{k}: {v}" for k, v in headers.items())))

    return answer


def by_offset(query: dict[str, str]) -> Told:
    start = int(query.get("offset", 0))
    return BILLS[start : start + int(query["limit"])], {}


def with_total(query: dict[str, str]) -> Told:
    return by_offset(query)[0], {"X-Total-Count": "12"}


async def numbers(items: AsyncIterator[Any]) -> list[str]:
    return [item.number async for item in items]


async def until_it_fails(items: AsyncIterator[Any]) -> tuple[list[Any], Any]:
    """The items, and the error that ends them."""
    found: list[Any] = []
    while True:
        try:
            found.append(await anext(items))
        except Exception as error:
            return found, error


# --- Every kind of pages ---------------------------------------------------------------------------------------------


async def test_offsets_go_on_until_a_page_is_short(client: Any, upstream: Upstream):
    upstream.answer = telling(by_offset)
    assert await numbers(client.iter_list_bills(customer="a")) == [bill["number"] for bill in BILLS]
    assert [request.query for request in upstream.received] == [
        [("customer", "a"), ("limit", "5")],
        [("customer", "a"), ("offset", "5"), ("limit", "5")],
        [("customer", "a"), ("offset", "10"), ("limit", "5")],
    ]


async def test_a_total_saves_the_request_for_an_empty_page(client: Any, upstream: Upstream):
    upstream.answer = telling(with_total)
    assert len(await numbers(client.iter_list_bills(customer="a", limit=6))) == 12
    assert len(upstream.received) == 2


async def test_a_total_goes_on_where_the_upstream_gives_less_than_it_is_asked_for(client: Any, upstream: Upstream):
    upstream.answer = telling(lambda query: with_total(query | {"limit": "5"}))
    assert len(await numbers(client.iter_list_bills(customer="a", limit=50))) == 12
    assert len(upstream.received) == 3


async def test_partial_content_is_a_page_with_more_behind_it(client: Any, upstream: Upstream):
    short, rest = telling(lambda _: (BILLS[:3], {}), "206 Partial Content"), telling(lambda _: (BILLS[3:5], {}))

    async def answer(request: Received, peer: Peer) -> None:
        await (rest if ("offset", "3") in request.query else short)(request, peer)

    upstream.answer = answer
    assert await numbers(client.iter_list_bills(customer="a", limit=5)) == ["0", "1", "2", "3", "4"]


async def test_a_start_that_is_given_is_where_it_begins(client: Any, upstream: Upstream):
    upstream.answer = telling(with_total)
    assert await numbers(client.iter_list_bills(customer="a", offset=9)) == ["9", "10", "11"]


async def test_pages_are_counted_from_where_the_catalog_says_in_the_body_as_well(client: Any, upstream: Upstream):
    async def answer(request: Received, peer: Peer) -> None:
        sent = json.loads(request.body)
        start = sent.get("page[number]", 0) * sent["page[size]"]
        data = [{"id": str(n)} for n in range(12)][start : start + sent["page[size]"]]
        await peer.send(response(json.dumps({"data": data, "meta": {"count": 12}}).encode()))

    upstream.answer = answer
    items = [item.id async for item in client.iter_search_bills(page_size=4, max_items_=3)]
    assert items == [str(n) for n in range(12)]
    sent = [json.loads(request.body) for request in upstream.received]
    assert [one.get("page[number]") for one in sent] == [None, 1, 2]
    assert all(one["max_items"] == 3 for one in sent)


async def test_a_cursor_goes_back_as_it_came_until_there_is_none(client: Any, upstream: Upstream):
    told = {None: (["a", "b"], 7), "7": ([], 9), "9": (["c"], None)}

    def tell(query: dict[str, str]) -> Told:
        events, end = told[query.get("after")]
        return {"events": events, "page": {"end": end}}, {}

    upstream.answer = telling(tell)
    assert [event async for event in client.iter_list_events()] == ["a", "b", "c"]


async def test_a_link_is_read_back_into_the_tools_arguments(client: Any, upstream: Upstream):
    def tell(query: dict[str, str]) -> Told:
        page = int(query.get("page", 1))
        following = f"{upstream.url}/api/repositories/4711/issues?state=open&per_page=2&page={page + 1}"
        links = f'<{upstream.url}/api/x?page=1>; rel="first", <{following}>; rel="next"'
        return [{"id": 2 * page}, {"id": 2 * page + 1}], {"Link": links} if page < 3 else {}

    upstream.answer = telling(tell)
    issues = client.iter_list_issues_(repo="a/b", state="open", labels=["x", "y"], per_page=2)
    assert [issue.id async for issue in issues] == [2, 3, 4, 5, 6, 7]
    assert {request.path for request in upstream.received} == {"/api/repos/a%2Fb/issues"}
    assert [dict(request.query).get("page") for request in upstream.received] == [None, "2", "3"]
    assert all(request.query.count(("labels", "y")) == 1 for request in upstream.received)


async def test_a_link_may_stand_in_the_answer_and_be_relative(client: Any, upstream: Upstream):
    def tell(query: dict[str, str]) -> Told:
        start = int(query.get("skip", 0))
        return {"value": [start, start + 1]} | ({"next": f"?skip={start + 2}"} if start < 4 else {"next": None}), {}

    upstream.answer = telling(tell)
    assert [item async for item in client.iter_list_anything()] == [0, 1, 2, 3, 4, 5]


# --- Bounds ----------------------------------------------------------------------------------------------------------


async def test_a_page_is_fetched_when_its_first_item_is_asked_for(client: Any, upstream: Upstream):
    upstream.answer = telling(with_total)
    items = client.iter_list_bills(customer="a", limit=2)
    assert not upstream.received
    assert [(await anext(items)).number for _ in range(2)] == ["0", "1"]
    assert len(upstream.received) == 1
    assert (await anext(items)).number == "2"
    assert len(upstream.received) == 2


@pytest.mark.parametrize(
    ("bounds", "items", "requests"),
    [
        ({"max_items": 4}, 4, 2),
        ({"max_items": 5}, 5, 3),
        ({"max_pages": 2}, 4, 2),
        ({"max_items": 1, "max_pages": 9}, 1, 1),
    ],
)
async def test_no_more_is_fetched_than_was_asked_for(client: Any, upstream: Upstream, bounds, items, requests):
    upstream.answer = telling(with_total)
    assert len(await numbers(client.iter_list_bills(customer="a", limit=2, **bounds))) == items
    assert len(upstream.received) == requests


@pytest.mark.parametrize("bounds", [{"max_items": 0}, {"max_pages": -1}])
async def test_a_bound_below_one_is_refused(pages: Built, client: Any, upstream: Upstream, bounds):
    with pytest.raises(pages.load("errors").InvalidArguments, match=next(iter(bounds))):
        await numbers(client.iter_list_bills(customer="a", **bounds))
    assert not upstream.received


# --- What others see -------------------------------------------------------------------------------------------------


async def test_the_answer_stays_the_upstreams_and_how_to_go_on_stands_beside_it(plain: Client, upstream: Upstream):
    upstream.answer = telling(with_total)
    result = await plain.call_tool("list_bills", {"customer": "a", "limit": 10})
    assert result.structured_content == {"result": BILLS[:10]}
    answer, words = result.content
    assert isinstance(answer, TextContent)
    assert isinstance(words, TextContent)
    assert json.loads(answer.text) == BILLS[:10]
    assert words.text.endswith("call list_bills again with the same arguments and offset=10. There are 12 in all.")
    assert result.meta is not None
    assert result.meta[PAGE] == {"next": {"offset": 10}, "total": 12}

    last = await plain.call_tool("list_bills", {"customer": "a", "limit": 10} | result.meta[PAGE]["next"])
    assert len(last.content) == 1
    assert last.meta is not None
    assert last.meta[PAGE] == {"total": 12}


async def test_one_page_is_what_the_plain_method_gives(client: Any, upstream: Upstream):
    upstream.answer = telling(with_total)
    assert len(await client.list_bills(customer="a")) == 5
    upstream.answer = telling(lambda _: ({"value": [1]}, {}))
    assert await client.list_anything() == {"value": [1]}
    assert await client.call("list_anything", {}) == {"value": [1]}


def test_items_are_typed(pages: Built):
    hints = get_type_hints(pages.load("client").PagesClient.iter_list_bills, vars(pages.load("client")))
    assert hints["return"] == AsyncIterator[pages.load("models.pages").Bill]


def test_only_lists_in_pages_have_a_method_for_all_of_them(pages: Built):
    methods = {name for name in vars(pages.load("client").PagesClient) if name.startswith("iter_")}
    kinds = ["bills", "events", "issues", "anything"]
    assert methods == {*(f"iter_list_{kind}" for kind in kinds), "iter_search_bills", "iter_list_issues_"}
    paged = {name for name, tool in pages.metadata["tools"].items() if "pagination" in tool}
    assert paged == {"list_bills", "searchBills", "list_events", "list_issues", "list_anything"}


# --- What goes wrong -------------------------------------------------------------------------------------------------


COUNT = itertools.count(1)


def circle(query: dict[str, str]) -> Told:
    after = int(query.get("after", 0))
    return {"events": [str(after)], "page": {"end": after % 3 + 1}}, {}


ENDLESS: dict[str, tuple[str, Callable[[dict[str, str]], Told], int]] = {
    "the same page": ("iter_list_anything", lambda _: ({"value": [{}], "next": f"?skip={next(COUNT)}"}, {}), 2),
    "the same cursor": ("iter_list_events", lambda _: ({"events": ["a"], "page": {"end": 1}}, {}), 2),
    "a circle of cursors": ("iter_list_events", circle, 4),
    "empty pages": ("iter_list_events", lambda _: ({"events": [], "page": {"end": next(COUNT)}}, {}), 100),
    "a cursor of no length": ("iter_list_events", lambda _: ({"events": [], "page": {"end": 10**30}}, {}), 1),
}


@pytest.mark.parametrize("how", ENDLESS)
async def test_a_list_without_end_is_a_named_error(pages: Built, client: Any, upstream: Upstream, how: str):
    method, tell, requests = ENDLESS[how]
    upstream.answer = telling(tell)
    _, error = await until_it_fails(getattr(client, method)())
    assert type(error) is pages.load("errors").PagingFailed
    assert "cannot be had" in str(error)
    assert error.code == "paging_failed"
    assert len(upstream.received) == requests


async def test_offsets_that_are_ignored_are_a_named_error(pages: Built, client: Any, upstream: Upstream):
    upstream.answer = telling(lambda _: (BILLS[:5], {}))
    found, error = await until_it_fails(client.iter_list_bills(customer="a"))
    assert type(error) is pages.load("errors").PagingFailed
    assert len(found) == 5


ELSEWHERE = {
    "another host": "http://elsewhere.invalid/api/issues?page=2",
    "another port": "http://127.0.0.1:9/api/issues?page=2",
    "another scheme": "https://{host}/api/issues?page=2",
    "no scheme": "//elsewhere.invalid/api/issues?page=2",
    "a user": "http://user:password@{host}/api/issues?page=2",
    "outside of the base path": "http://{host}/apix/issues?page=2",
    "nothing of ours": "http://{host}/api/issues?cursor=abc",
    "the same page": "http://{host}/api/issues?per_page=10",
    "a wrong type": "http://{host}/api/issues?page=two",
    "no URL": "http://[/api?page=2",
}


@pytest.mark.parametrize("link", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_a_link_that_leads_elsewhere_is_not_followed(pages: Built, client: Any, upstream: Upstream, link: str):
    url = link.replace("{host}", upstream.url.partition("://")[2])
    upstream.answer = telling(lambda _: ([{"id": 1}], {"Link": f'<{url}>; rel="next"'}))
    found, error = await until_it_fails(client.iter_list_issues_(repo="a"))
    assert type(error) is pages.load("errors").PagingFailed
    assert "link to the next page" in str(error)
    assert [issue.id for issue in found] == [1]
    assert len(upstream.received) == 1
    assert [one.id for one in await client.list_issues(repo="a")] == [1]


@pytest.mark.parametrize("link", ["", "nonsense", "<", '</api?page=2>; rel="prev"', "</api?page=2>", "<>; rel=next"])
async def test_a_header_without_a_next_link_ends_the_list(client: Any, upstream: Upstream, link: str):
    upstream.answer = telling(lambda _: ([{"id": 1}], {"Link": link}))
    assert [issue.id async for issue in client.iter_list_issues_(repo="a")] == [1]


async def test_a_later_page_that_fails_is_told_as_any_failure(pages: Built, client: Any, upstream: Upstream):
    good, bad = telling(by_offset), telling(lambda _: ({"code": "42", "message": "no"}, {}), "503 Busy")

    async def answer(request: Received, peer: Peer) -> None:
        await (bad if ("offset", "5") in request.query else good)(request, peer)

    upstream.answer = answer
    found, error = await until_it_fails(client.iter_list_bills(customer="a"))
    assert type(error) is pages.load("errors").UpstreamFailed
    assert len(found) == 5
    assert error.upstream_code == "42"


async def test_a_server_that_says_nothing_of_pages_is_not_taken_for_one_page(pages: Built):
    server = MCPServer("older")

    @server.tool(name="list_bills")
    def list_bills(customer: str, limit: int) -> list[dict[str, str]]:
        return [{"number": customer * limit}]

    async with pages.load("client").PagesClient.connect(server) as client:
        found, error = await until_it_fails(client.iter_list_bills(customer="a", limit=1))
    assert type(error) is pages.load("errors").PagingFailed
    assert "does not say whether there are more" in str(error)
    assert [bill.number for bill in found] == ["a"]
