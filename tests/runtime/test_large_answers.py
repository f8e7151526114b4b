"""Answers that are more than a model reads: cut in the text, said so in words, and whole for programs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import TextContent
from pydantic_core import to_json

from telefonica_mcp.runtime.cutting import excerpt_of
from tests.generated import Built, build, some
from tests.runtime.answers import fixed
from tests.runtime.doors import held
from tests.runtime.upstream import Peer, Received, Upstream, answering_json, response

pytestmark = pytest.mark.anyio

CUT, WHOLE = "mcp-codegen/cut", "mcp-codegen/whole"
MOST = 2_000
ITEM = {"type": "object", "properties": {"id": {"type": "integer"}, "text": {"type": "string"}}, "required": ["id"]}


def optional(*names: str, kind: str = "string") -> list[dict[str, Any]]:
    return [{"name": name, "type": kind, "required": False, "description": name} for name in names]


CUSTOMER = {"name": "customer", "type": "string", "description": "Whose"}
PLACED = optional("offset", "limit", kind="int")
CATALOG: dict[str, Any] = {
    "name": "large",
    "gateways": {"shop": {"baseUrl": "${SHOP_URL}", "limits": {"modelBytes": MOST, "answerBytes": 100_000}}},
    "apis": [
        {
            "name": "list_orders", "httpMethod": "GET", "endpoint": "/orders",
            "inputs": [CUSTOMER, *PLACED, *optional("fields", "status")],
            "output": {"type": "array", "items": ITEM}, "pagination": {"type": "offset"},
        },
        {
            "name": "search", "httpMethod": "GET", "endpoint": "/search",
            "inputs": optional("page", "size", kind="int"),
            "pagination": {"type": "page", "perPage": "size", "items": "/found"},
            "output": {"type": "object", "properties": {"found": {"type": "array", "items": ITEM}}},
        },
        {"name": "anything", "httpMethod": "GET", "endpoint": "/any", "inputs": [CUSTOMER], "output": {}},
        {"name": "text", "httpMethod": "GET", "endpoint": "/text", "answerType": "text/plain"},
        {"name": "file", "httpMethod": "GET", "endpoint": "/file", "answerType": "application/pdf"},
        {"name": "exact", "httpMethod": "GET", "endpoint": "/exact", "output": {"type": "object", "properties": {
            "a": {"type": "integer"}, "rows": {"type": "array", "items": ITEM}}}},
    ],
}  # fmt: skip
ORDERS = [{"id": number, "text": "x" * 60} for number in range(100)]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with build(CATALOG, tmp_path_factory.mktemp("large")).importable() as built:
        yield built


@pytest.fixture(scope="module")
async def client(anyio_backend: str, package: Built, shared_upstream: Upstream) -> AsyncIterator[Any]:
    async with held(package.load("client").LargeClient.in_process({"SHOP_URL": shared_upstream.url})) as client:
        yield client


@pytest.fixture(scope="module")
async def plain(anyio_backend: str, package: Built, shared_upstream: Upstream) -> AsyncIterator[Client]:
    async with held(Client(package.load("server").create_server({"SHOP_URL": shared_upstream.url}))) as plain:
        yield plain


async def read(plain: Client, tool: str, **arguments: Any) -> tuple[list[str], Any]:
    """What a model reads of a call, and the result."""
    result = await plain.call_tool(tool, arguments)
    return [block.text for block in result.content if isinstance(block, TextContent)], result


async def test_a_long_list_is_cut_for_models_alone(client: Any, plain: Client, upstream: Upstream):
    upstream.answer = answering_json(ORDERS)
    (notice, text, *_), result = await read(plain, "list_orders", customer="7")
    shown = json.loads(text)
    assert shown == ORDERS[: len(shown)]
    assert MOST - 100 < len(text) <= MOST
    assert f"{len(text):,} of the answer's {len(to_json(ORDERS)):,} bytes are shown" in notice
    assert f"the answer has the first {len(shown)} of 100 items" in notice
    assert result.structured_content == {"result": ORDERS}
    assert result.meta[CUT]["leftOut"] == [{"at": "", "kept": len(shown), "of": 100, "what": "items"}]
    assert WHOLE not in result.meta
    assert [order.id for order in await client.list_orders(customer="7")] == list(range(100))


async def test_the_notice_says_how_to_get_the_rest_and_it_is_got_that_way(plain: Client, upstream: Upstream):
    async def answer(request: Received, peer: Peer) -> None:
        query = dict(request.query)
        begin = int(query.get("offset", 0))
        page = ORDERS[begin : begin + int(query.get("limit", 100))]
        await peer.send(response(json.dumps(page).encode(), "200 OK", "X-Total-Count: 100"))

    upstream.answer = answer
    (notice, text, *_), _ = await read(plain, "list_orders", customer="7")
    read_so_far = json.loads(text)
    count = len(read_so_far)
    size = count * 9 // 10
    assert f"again with the same arguments and offset={count}, limit={size}." in notice
    assert "Name only the members that you need in fields." in notice
    assert "narrower arguments: status." in notice
    for offset in range(count, 100, size):
        (text, *_), _ = await read(plain, "list_orders", customer="7", offset=offset, limit=size)
        read_so_far += json.loads(text)
    assert read_so_far == ORDERS


@pytest.mark.parametrize(("page", "size"), [(1, 100), (3, 90), (2, 97)])
async def test_numbered_pages_are_gone_on_with_without_a_gap(plain: Client, upstream: Upstream, page: int, size: int):
    upstream.answer = answering_json({"found": ORDERS[:size]})
    (notice, text, *_), result = await read(plain, "search", page=page, size=size)
    shown = len(json.loads(text)["found"])
    words = notice.partition("the same arguments and ")[2].partition(".")[0]
    told = dict(pair.split("=") for pair in words.split(", "))
    begins = (int(told["page"]) - 1) * int(told["size"])
    assert (page - 1) * size <= begins <= (page - 1) * size + shown
    assert int(told["size"]) <= shown
    assert result.meta["mcp-codegen/page"]["next"] == {"page": page + 1}


async def test_an_answer_that_is_read_whole_is_as_ever(plain: Client, upstream: Upstream):
    upstream.answer = answering_json(ORDERS[:3])
    (text, *_), result = await read(plain, "list_orders", customer="7", limit=5)
    assert json.loads(text) == ORDERS[:3]
    assert CUT not in result.meta


@pytest.mark.parametrize("data", [ORDERS, "y" * 30_000], ids=["a list", "a text"])
async def test_what_has_no_structured_content_is_whole_in_the_metadata(
    client: Any, plain: Client, upstream: Upstream, data: Any
):
    upstream.answer = answering_json(data)
    (notice, text), result = await read(plain, "anything", customer="7")
    assert "anything has no argument that asks for less" in notice
    assert len(text) <= MOST + 10
    assert result.structured_content is None
    assert result.meta[WHOLE] == data
    assert await client.anything(customer="7") == data


async def test_text_is_cut_in_the_same_way(client: Any, plain: Client, upstream: Upstream):
    whole = "línea de texto\n" * 1_000
    upstream.answer = fixed(whole, kind="text/plain; charset=utf-8")
    (notice, text), result = await read(plain, "text")
    assert whole.startswith(text.removesuffix("…"))
    assert f"of {len(whole):,} characters" in notice
    assert result.meta[WHOLE] == whole
    assert await client.text() == whole


async def test_a_whole_that_somebody_took_away_is_missed(plain: Client, upstream: Upstream, package: Built):
    calling, errors = package.load("runtime.calling"), package.load("errors")
    upstream.answer = fixed("z" * 10_000, kind="text/plain")
    result = await plain.call_tool("text", {})
    meta = {key: value for key, value in (result.meta or {}).items() if key != WHOLE}
    with pytest.raises(errors.AnswerTooLarge, match="took away"):
        calling._data(result.model_copy(update={"meta": meta}), "text")


async def test_bytes_are_passed_on_whole(client: Any, upstream: Upstream):
    upstream.answer = fixed(b"\0\1" * 20_000, kind="application/pdf")
    assert await client.file() == b"\0\1" * 20_000


@pytest.mark.parametrize("tool", ["file", "list_orders"])
async def test_what_is_larger_than_is_passed_on_says_what_to_do(client: Any, upstream: Upstream, package: Built, tool):
    upstream.answer = fixed(b"\0" * 100_001, kind="application/pdf")
    with pytest.raises(package.load("errors").AnswerTooLarge) as raised:
        await client.call(tool, {"customer": "7"} if tool == "list_orders" else {})
    said = (
        "in fields. Less is answered to narrower arguments: offset, limit, status." if tool != "file" else "no argument"
    )
    assert said in str(raised.value)
    assert "limits" in str(raised.value)


async def test_an_answer_that_breaks_its_schema_is_whole_too(
    client: Any, plain: Client, upstream: Upstream, package: Built
):
    broken = {"a": "no number", "rows": [{"id": number, "text": "w" * 90} for number in range(800)]}
    upstream.answer = answering_json(broken)
    (text,), result = await read(plain, "exact")
    assert len(text) < 51_000
    assert "/rows has the first" in json.loads(text)["error"]["cut"]
    assert result.is_error
    with pytest.raises(package.load("errors").SchemaMismatch) as raised:
        await client.exact()
    assert raised.value.data == broken


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=30), inner, max_size=30),
    max_leaves=60,
)


@some(60)
@given(JSON, st.integers(30, 1_500))
def test_any_answer_is_cut_to_size_and_nothing_is_left_out_unsaid(data: Any, most: int):
    excerpt = excerpt_of(data, most)
    if len(to_json(data)) <= most or not isinstance(data, str | list | dict):
        assert excerpt.data == data
        assert not excerpt.left_out
    else:
        assert excerpt.left_out
        assert len(to_json(excerpt.data)) < len(to_json(data)) or isinstance(data, str)
        assert len(to_json(excerpt.data)) <= most + 200
    assert excerpt == excerpt_of(data, most)


# --- What JSON may hold ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [100, 101, 10_000])
@pytest.mark.parametrize(("begin", "end"), ["[]", ('{"a":', "}")], ids=["lists", "objects"])
async def test_json_of_some_depth_is_passed_on_and_deeper_is_an_error(  # noqa: PLR0917 - fixtures
    plain: Client, client: Any, upstream: Upstream, package: Built, levels: int, begin: str, end: str
):
    upstream.answer = fixed(begin * levels + "1" + end * levels)
    if levels == 100:
        assert (await plain.call_tool("anything", {"customer": "7"})).is_error is False
        assert to_json(await client.call("anything", {"customer": "7"})).count(b"1") == 1
    else:
        with pytest.raises(package.load("errors").NotJson, match="more than 100 deep"):
            await client.call("anything", {"customer": "7"})


@pytest.mark.parametrize(
    "number",
    [
        "123456789012345678901234567890",
        "-9007199254740993",
        "0.1",
        "1.0",
        "1e-7",
        "-0.0",
        "1E400",
        "9" * 5_000,
        "1" * 250 + "e99",
    ],
)
async def test_numbers_come_as_they_were_written_or_not_at_all(
    client: Any, upstream: Upstream, package: Built, number: str
):
    upstream.answer = fixed(f'{{"n": {number}}}')
    if len(number) > 100 or "E" in number:
        with pytest.raises(package.load("errors").NotJson):
            await client.call("anything", {"customer": "7"})
    else:
        got = (await client.call("anything", {"customer": "7"}))["n"]
        assert repr(got) == repr(json.loads(number))


@pytest.mark.parametrize(("content", "good"), [('{"a":"x","a":1}', True), ('{"a":1,"a":"x"}', False)])
async def test_of_a_member_that_comes_twice_the_last_counts_and_is_the_one_that_is_checked(
    client: Any, upstream: Upstream, package: Built, content: str, good: bool
):
    upstream.answer = fixed(content)
    if good:
        assert (await client.exact()).a == 1
    else:
        with pytest.raises(package.load("errors").SchemaMismatch, match="a"):
            await client.exact()
