"""Whatever answers in the server's place: proxies, portals, and servers that were not generated."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent

from telefonica_mcp import errors
from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import ApiError, Failed, SchemaMismatch, ServerLost
from tests.runtime import answers
from tests.runtime.answers import fixed
from tests.runtime.doors import (
    INVOICES,
    Door,
)
from tests.runtime.upstream import Peer, Received, Upstream, response

pytestmark = pytest.mark.anyio

AT_ONCE = 10.0
"""Seconds; every time-out that could be waited for in place of noticing is several times as long."""


# --- What stands between client and server --------------------------------------------------------------------------


def in_front(answer: Any) -> Any:
    """An MCP server that is found, and whose calls are then answered so."""

    async def converse(request: Received, peer: Peer) -> None:
        message = json.loads(request.body)
        if message.get("method") != "server/discover":
            await answer(request, peer)
            return
        known = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "resultType": "complete"}
        result = {**known, "ttlMs": 0, "cacheScope": "public"}
        await peer.send(response(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()))

    return converse


def reply(**content: Any) -> Any:
    """A JSON-RPC message in answer to the call."""

    async def answer(request: Received, peer: Peer) -> None:
        message = {"jsonrpc": "2.0", "id": json.loads(request.body)["id"], **content}
        await peer.send(response(json.dumps(message).encode()))

    return answer


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(error={"code": -32603, "message": "Internal error"}), Failed),
        (reply(error={"code": -32602, "message": "Unknown tool"}), errors.InvalidArguments),
        (reply(error={"code": -32601, "message": "Method not found"}), Failed),
        (reply(result={"nonsense": 1}), Failed),
        (reply(result=None), ApiError),
        (reply(result={"resultType": "complete", "content": "words"}), Failed),
        (reply(result={"resultType": "complete", "content": []}), SchemaMismatch),
        (fixed("{}", "404 Not Found"), ApiError),
        (fixed("", "413 Content Too Large"), ApiError),
        (fixed(answers.LOGIN_PAGE, "502 Bad Gateway", kind="text/html"), ApiError),
        (fixed(answers.LOGIN_PAGE, kind="text/html"), ApiError),
        (fixed("nonsense"), ApiError),
        (answers.reset_before, ServerLost),
        (answers.closed_before, ServerLost),
        (answers.closed_in_the_middle, ServerLost),
    ],
)
async def test_whatever_answers_in_the_servers_place_is_an_error_of_this_client(upstream: Upstream, answer, kind):
    upstream.answer = in_front(answer)
    started = time.monotonic()
    async with TelefonicaClient.connect(f"{upstream.url}/mcp") as client:
        with pytest.raises(ApiError) as raised:
            await client.call("listado_de_boletas_fija", INVOICES)
    assert isinstance(raised.value, kind)
    assert raised.value.code
    assert time.monotonic() - started < AT_ONCE


async def test_arguments_larger_than_a_request_may_be_harm_no_other_call(http: Door, upstream: Upstream):
    with pytest.raises(ApiError):
        await http.client.deuda_fija(customer_identification="1" * 5_000_000, type="RUT", document="1")
    assert upstream.received == []
    await http.client.call("listado_de_boletas_fija", INVOICES)


# --- Servers of others -----------------------------------------------------------------------------------------------


def other_server(text: str, *, is_error: bool = False) -> MCPServer[Any]:
    """A server of the same tools that was not generated."""
    server: MCPServer[Any] = MCPServer("other")

    async def listado_de_boletas_fija(customerId: int, msisidn: str) -> CallToolResult:  # noqa: N803
        return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)

    server.add_tool(listado_de_boletas_fija)
    return server


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("plain words", Failed),
        ('{"error": "plain words"}', Failed),
        ('{"error": ["plain words"]}', Failed),
        ('{"error": null, "words": "plain words"}', Failed),
        ('["plain words"]', Failed),
        ('{"error": {"code": "brand_new", "message": "plain words"}}', Failed),
        ('{"error": {"code": "not_found", "message": "plain words", "status": 404}}', errors.NotFound),
        ("", Failed),
    ],
)
async def test_the_errors_of_another_server_are_errors_of_this_client(text: str, kind: type[ApiError]):
    async with TelefonicaClient.connect(other_server(text, is_error=True)) as client:
        with pytest.raises(ApiError) as raised:
            await client.call("listado_de_boletas_fija", INVOICES)
    assert type(raised.value) is kind
    assert "plain words" in str(raised.value) or not text


@pytest.mark.parametrize("text", ["plain words", "{", "[1]", "null", '{"customerId": 1}', ""])
async def test_another_servers_answer_of_another_type_is_a_mismatch(text: str):
    async with TelefonicaClient.connect(other_server(text)) as client:
        with pytest.raises(SchemaMismatch) as raised:
            await client.listado_de_boletas_fija(customer_id=1, msisidn="56987654321")
    assert "listado_de_boletas_fija" in raised.value.message
