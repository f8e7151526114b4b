"""Servers that show three tools in place of all: finding, describing and calling the others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from mcp_codegen.tokens import estimated
from tests import hosts
from tests.generated import Built, build
from tests.runtime.doors import surroundings
from tests.runtime.shop import CATALOG, ORDER, SERVE, done
from tests.runtime.upstream import Upstream

pytestmark = pytest.mark.anyio

SEARCH = ("--tools", "search")
TAGS = {"show_order": ["orders"], "add_note": ["orders", "notes"], "remove_order": []}
DOCS = {
    "show_order": "The whole of an order, with its lines.",
    "add_note": "Write a remark beside an order.",
    "remove_order": "Cancel an order for good.",
}


def tagged() -> dict[str, Any]:
    apis = [{**api, "tags": TAGS[api["name"]], "description": DOCS[api["name"]]} for api in CATALOG["apis"]]
    return {**CATALOG, "apis": apis}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with build(tagged(), tmp_path_factory.mktemp("tagged")).importable() as built:
        yield built


@asynccontextmanager
async def opened(package: Built, upstream: Upstream, *options: str) -> AsyncIterator[Client]:
    """A client of the server as those options make it; in this process, which is the same and starts sooner."""
    args = package.load("runtime.command_line").make_parser("shop-mcp", "1", "").parse_args(options)
    serving = package.load("runtime.serving")
    offer = serving.Offer(args.tools, tuple(args.include), tuple(args.exclude), args.read_only, args.audit_log)
    create = package.load("server").create_server
    async with Client(serving.offered(create, offer, {"SHOP_URL": upstream.url})) as client:
        yield client


@asynccontextmanager
async def launched(package: Built, upstream: Upstream, *options: str) -> AsyncIterator[Client]:
    environ = surroundings({"PYTHONPATH": str(package.folder), "SHOP_URL": upstream.url})
    server = StdioServerParameters(command=SERVE[0], args=[*SERVE[1:], *options], env=environ)
    async with Client(stdio_client(server)) as client:
        yield client


async def said(client: Client, tool: str, arguments: dict[str, Any]) -> Any:
    result = await client.call_tool(tool, arguments)
    text = json.loads(result.content[0].text)
    assert result.is_error or result.structured_content == text
    return text


async def test_three_tools_are_listed_that_every_host_takes(package: Built, upstream: Upstream):
    async with launched(package, upstream, *SEARCH) as client:
        listing = (await client.list_tools()).model_dump(mode="json", by_alias=True, exclude_none=True)
    find, describe, call = listing["tools"]
    assert [find["name"], describe["name"], call["name"]] == ["find_tools", "describe_tool", "call_tool"]
    assert find["description"].endswith("There are 3 tools. Tags: orders, notes.")
    assert (find["annotations"], call["annotations"]) == ({"readOnlyHint": True}, {"readOnlyHint": False})
    assert estimated(listing) < 2000
    assert hosts.refusals(listing) == []


async def test_tools_are_found_by_words_and_tags_with_what_they_take(package: Built, upstream: Upstream):
    async with opened(package, upstream, *SEARCH) as client:
        found = await said(client, "find_tools", {"query": "cancel an order"})
        noted = await said(client, "find_tools", {"query": "order", "tags": ["NOTES"]})
        every = await said(client, "find_tools", {"limit": 2})
        none = await said(client, "find_tools", {"query": "zeppelin"})
    assert found["tools"][0] == {
        "name": "remove_order",
        "description": "Cancel an order for good.",
        "arguments": {"order": "string"},
        "readOnlyHint": False,
        "destructiveHint": True,
    }
    assert [tool["name"] for tool in noted["tools"]] == ["add_note"]
    assert [tool["name"] for tool in every["tools"]] == ["show_order", "add_note"]
    assert none == {"tools": []}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("borrar un pedido", "remove_order"),
        ("muéstrame el pedido", "show_order"),
        ("¿qué líneas tiene el pedido?", "show_order"),
        ("agrega una nota", "add_note"),
        ("comment on an order", "add_note"),
        ("discard orders", "remove_order"),
        ("anulación", "remove_order"),
        ("cancelled", "remove_order"),
        ("add a ntoe", "add_note"),
        ("showOrder", "show_order"),
    ],
)
async def test_a_tool_is_found_in_other_words_and_forms_and_in_spanish(
    package: Built, upstream: Upstream, query: str, name: str
):
    async with opened(package, upstream, *SEARCH) as client:
        found = await said(client, "find_tools", {"query": query})
    assert found["tools"][0]["name"] == name


def test_a_tags_tools_are_found_however_many_others_fit_better(package: Built):
    tools = [{"name": f"show_order_{number}", "description": "An order"} for number in range(1000)]
    last = {"name": "archive", "description": "What is kept, such as an order of a year ago"}
    index = package.load("runtime.ranking").ToolIndex([*tools, last], {"archive": ["old"]})
    assert index.find("show the order", ["OLD"]) == ["archive"]


async def test_a_description_is_what_the_listing_would_have_said(package: Built, upstream: Upstream):
    async with opened(package, upstream) as client:
        listing = (await client.list_tools()).model_dump(mode="json", by_alias=True, exclude_none=True)
    async with opened(package, upstream, *SEARCH) as client:
        for tool in listing["tools"]:
            assert await said(client, "describe_tool", {"name": tool["name"]}) == tool


@pytest.mark.parametrize("arguments", [ORDER, {}, {"order": 1}, {"order": "A", "more": 1}, {"order": ".."}])
async def test_a_call_through_is_the_call_itself(package: Built, upstream: Upstream, arguments: dict[str, Any]):
    upstream.answer = done
    async with opened(package, upstream, *SEARCH) as client:
        direct = await client.call_tool("show_order", arguments)
        through = await client.call_tool("call_tool", {"name": "show_order", "arguments": arguments})
    assert through == direct
    assert len({(one.method, one.target) for one in upstream.received}) == (arguments == ORDER)


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("call_tool", {"name": "show_orders", "arguments": ORDER}, "there is no tool of that name"),
        ("call_tool", {"name": "call_tool", "arguments": {"name": "show_order"}}, "there is no tool of that name"),
        ("call_tool", {"name": "show_order", "arguments": "{}"}, "arguments: Input should be"),
        ("describe_tool", {"name": "\x00' OR 1"}, "there is no tool of that name"),
        ("describe_tool", {}, "name: Field required"),
        ("find_tools", {"query": "x" * 1001}, "query: String should have at most 1000"),
        ("find_tools", {"query": "x", "limit": 1000}, "limit: Input should be less"),
    ],
)
async def test_mistakes_are_told_with_what_to_do(package: Built, upstream: Upstream, tool: str, arguments, message):
    async with opened(package, upstream, *SEARCH) as client:
        error = (await said(client, tool, arguments))["error"]
    assert error["code"] == "invalid_arguments"
    assert message in error["message"]
    assert "show_order" in error["hint"] or "arguments are" in error["hint"] or "find_tools" in error["hint"]
    assert not upstream.received


@pytest.mark.parametrize(
    "query", ['"', "a AND (", "name:x*", "NEAR(a b)", "ordër'; DROP TABLE tools", "🧾 * - ^", "  "]
)
async def test_no_query_is_syntax(package: Built, upstream: Upstream, query: str):
    async with opened(package, upstream, *SEARCH) as client:
        assert "tools" in await said(client, "find_tools", {"query": query})


async def test_what_only_reads_is_all_that_is_found_where_only_that_is_served(
    package: Built, upstream: Upstream, tmp_path: Path
):
    audit = tmp_path / "audit.jsonl"
    upstream.answer = done
    async with launched(package, upstream, *SEARCH, "--read-only", "--audit-log", str(audit)) as client:
        call = (await client.list_tools()).tools[2]
        found = await said(client, "find_tools", {"query": "remove cancel note order", "limit": 25})
        refused = await said(client, "call_tool", {"name": "remove_order", "arguments": ORDER})
        direct = await said(client, "remove_order", ORDER)
        await client.call_tool("call_tool", {"name": "show_order", "arguments": ORDER})
    assert call.annotations
    assert call.annotations.read_only_hint
    assert [tool["name"] for tool in found["tools"]] == ["show_order"]
    assert refused == direct
    assert direct["error"]["code"] == "not_allowed"
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["tool"], line["outcome"]) for line in lines] == [
        ("remove_order", "not_allowed"),
        ("remove_order", "not_allowed"),
        ("show_order", "ok"),
    ]


async def test_names_that_the_catalog_has_are_left_to_it(upstream: Upstream, tmp_path: Path):
    api = {"name": "call_tool", "httpMethod": "GET", "endpoint": "/mine"}
    upstream.answer = done
    with build({**CATALOG, "name": "named", "apis": [api]}, tmp_path).importable() as package:
        async with opened(package, upstream, *SEARCH) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert names == ["find_tools", "describe_tool", "call_tool_2"]
            through = await client.call_tool("call_tool_2", {"name": "call_tool"})
            assert through == await client.call_tool("call_tool", {})
        asked = package.load("runtime.agents").approvals()  # before an agent calls what may change something
    assert "call_tool" in asked["never_require_approval"]
    assert asked["always_require_approval"] == ["call_tool_2"]
    assert [one.target for one in upstream.received] == ["/mine", "/mine"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--include", "tag:ord*"], ["show_order", "add_note"]),
        (["--include", "name:remove_*", "--include", "tag:notes"], ["add_note", "remove_order"]),
        (["--exclude", "*_order"], ["add_note"]),
        (["--tools", "auto"], ["show_order", "add_note", "remove_order"]),
    ],
)
async def test_tools_are_chosen_when_the_server_starts(package: Built, upstream: Upstream, options, names):
    async with opened(package, upstream, *options) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == names
        for name in set(TAGS) - set(names):
            with pytest.raises(Exception, match="Unknown tool"):
                await client.call_tool(name, ORDER)


async def test_many_tools_are_searched_by_themselves(upstream: Upstream, tmp_path: Path):
    apis = [{"name": f"show_{number}", "httpMethod": "GET", "endpoint": f"/{number}"} for number in range(41)]
    with build({**CATALOG, "name": "many", "apis": apis}, tmp_path).importable() as package:
        async with opened(package, upstream, "--tools", "auto") as client:
            assert len((await client.list_tools()).tools) == 3
        async with opened(package, upstream, "--tools", "auto", "--exclude", "show_7") as client:
            assert len((await client.list_tools()).tools) == 40


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--include", "tag:invoices"], "No tool fits the pattern 'tag:invoices'. The tags are: notes, orders."),
        (["--exclude", "*"], "--include and --exclude leave no tool."),
    ],
)
def test_a_choice_of_nothing_is_a_mistake(package: Built, options: list[str], told: str):
    environ = surroundings({"PYTHONPATH": str(package.folder), "SHOP_URL": "http://127.0.0.1:9"})
    command = [sys.executable, *SERVE[1:], *options]
    nothing = subprocess.DEVNULL
    ended = subprocess.run(  # noqa: S603 - our own command
        command, check=False, env=environ, capture_output=True, text=True, timeout=60, stdin=nothing
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr
