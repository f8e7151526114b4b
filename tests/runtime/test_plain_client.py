"""The official client, which knows nothing of the generated one: what hosts see and get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from telefonica_mcp.server import create_server
from tests.runtime.answers import changed, fixed, reset_before
from tests.runtime.doors import DEBT, INVOICES, LINK, SERVE, Door, settings, surroundings
from tests.runtime.upstream import Upstream, ok

pytestmark = pytest.mark.anyio

CATALOG = Path(__file__).parents[2] / "catalog" / "telefonica" / "api_catalog.json"
CALLS = {"retrieve_invoice_link": LINK, "listado_de_boletas_fija": INVOICES, "deuda_fija": DEBT}


def active() -> dict[str, Any]:
    return {api["name"]: api for api in json.loads(CATALOG.read_text(encoding="utf-8"))["apis"] if api["active"]}


async def test_tools_are_listed_as_the_catalog_describes_them(door: Door):
    tools = {tool.name: tool for tool in (await door.plain.list_tools(cache_mode="bypass")).tools}
    assert set(tools) == set(active()) == set(CALLS)
    for name, api in active().items():
        tool = tools[name]
        assert (tool.title, tool.description) == (api["title"], api["description"])
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        properties = tool.input_schema["properties"]
        assert list(properties) == [field["name"] for field in api["inputs"]]
        for field in api["inputs"]:
            shown = properties[field["name"]]
            assert shown["description"] == field["description"]
            for constraint in ("pattern", "minimum", "minLength"):
                assert shown.get(constraint) == field.get(constraint)
        assert tool.input_schema["required"] == list(properties)
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema is not None
        assert tool.output_schema["type"] == "object"
        assert list(tool.output_schema["properties"]) == [field["name"] for field in api["outputs"]]
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert '"title"' not in json.dumps(schema)


async def test_the_server_says_who_it_is(door: Door):
    assert door.plain.server_info is not None
    assert (door.plain.server_info.name, door.plain.server_info.title) == ("telefonica", "Telefónica billing")
    assert door.plain.server_info.version == "1.0.0"
    assert (door.plain.instructions or "").startswith("Facturación de Telefónica: ")


@pytest.mark.parametrize("tool", CALLS)
async def test_each_tool_answers_with_structure_that_its_schema_holds(door: Door, upstream: Upstream, tool: str):
    if tool != "deuda_fija":
        upstream.answer = changed(unannounced={"a": [None]}, msisidn=None, expiresAt="2025-12-31T23:59:59.000-03:00")
    result = await door.plain.call_tool(tool, CALLS[tool])  # it raises when the schema does not hold
    assert not result.is_error
    [block] = result.content
    assert json.loads(block.text) == result.structured_content
    assert block.text == json.dumps(result.structured_content, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize("way", ["in_process", "stdio", "http"])
async def test_older_clients_are_served(way: str, upstream: Upstream, http: Door, tmp_path: Path):
    environ = settings(upstream.url)
    with (tmp_path / "stderr").open("w") as stderr:
        command = StdioServerParameters(command=SERVE[0], args=list(SERVE[1:]), env=surroundings(environ), cwd=tmp_path)
        servers = {"in_process": create_server(environ), "stdio": stdio_client(command, stderr), "http": http.url}
        async with Client(servers[way], mode="legacy") as client:
            assert client.protocol_version < "2026"
            assert {tool.name for tool in (await client.list_tools()).tools} == set(CALLS)
            assert (await client.call_tool("listado_de_boletas_fija", INVOICES)).structured_content is not None
            refused = await client.call_tool("retrieve_invoice_link", LINK | {"billingInvoiceNumber": "45829374-001"})
    assert refused.is_error
    assert json.loads(refused.content[0].text)["error"]["code"] == "invalid_arguments"
    assert (tmp_path / "stderr").read_text() == ""


async def test_the_server_writes_nothing_of_calls_good_or_bad(door: Door, upstream: Upstream):
    before = door.said()
    await door.plain.list_tools(cache_mode="bypass")
    for answer in (ok, fixed("", "401 Unauthorized"), reset_before):
        upstream.answer = answer
        await door.plain.call_tool("listado_de_boletas_fija", INVOICES)
    await door.plain.call_tool("listado_de_boletas_fija", {"nonsense": 1})
    assert door.said() == before
