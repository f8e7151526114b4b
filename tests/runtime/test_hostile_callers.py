"""What callers try over HTTP beyond their arguments' types: what they may not see, spell, write down or hold up."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from telefonica_mcp.runtime.api_keys import make_key
from tests.generated import build
from tests.runtime.doors import HttpServer, http_server, run, surroundings
from tests.runtime.shop import CATALOG, ORDER, SERVE, Said, call, done, listed, send
from tests.runtime.upstream import Upstream

READER, WRITER = make_key("reader", ["read"]), make_key("writer", ["write"])
MODERN = "2026-07-28"
WEIGH: Mapping[str, Any] = {
    "name": "weigh",
    "httpMethod": "POST",
    "endpoint": "/scales/{kilos}",
    "destructive": False,
    "inputs": [
        {"name": "kilos", "type": "number", "description": "What is weighed"},
        {"name": "tare", "type": "number", "in": "query", "required": False, "description": "What holds it"},
        {"name": "note", "type": "string", "in": "query", "required": False, "description": "A remark"},
    ],
}


@dataclass(frozen=True)
class Shop:
    """The server in search mode, with callers of different scopes."""

    server: HttpServer
    audit: Path

    @property
    def port(self) -> int:
        return self.server.port

    def lines(self) -> list[tuple[str, str, str]]:
        lines = map(json.loads, self.audit.read_text().splitlines())
        return [(line["caller"], line["tool"], line["outcome"]) for line in lines if "tool" in line]


@pytest.fixture(scope="module")
def shop(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("hostile")
    package = build({**CATALOG, "apis": [*CATALOG["apis"], WEIGH]}, folder)
    environ = {
        "PYTHONPATH": str(package.folder),
        "SHOP_URL": shared_upstream.url,
        "MCP_API_KEYS": f"{READER[1]} {WRITER[1]}",
    }
    options = ("--tools", "search", "--audit-log", "audit.jsonl")
    with http_server(environ, folder, *options, serve=SERVE) as server:
        yield Shop(server, folder / "audit.jsonl")


@pytest.fixture(autouse=True)
def answering(upstream: Upstream) -> None:
    upstream.answer = done


def modern(port: int, method: str, key: str, **params: Any) -> Said:
    """One request as the newest protocol has it."""
    about = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": about}}
    named = {"Mcp-Name": params["name"]} if "name" in params else {}
    return send(port, body, key, **{"Mcp-Protocol-Version": MODERN, "Mcp-Method": method}, **named)


def found(said: Said) -> set[str]:
    return {tool["name"] for tool in said.result["structuredContent"]["tools"]}


# --- Who sees what ---------------------------------------------------------------------------------------------------


def test_what_is_found_for_one_caller_is_not_shown_to_another(shop: Shop):
    for _ in range(2):  # whoever comes first
        assert found(call(shop.port, "find_tools", WRITER[0], {})) == {"show_order", "add_note", "weigh"}
        assert found(call(shop.port, "find_tools", READER[0], {})) == {"show_order"}
    described = call(shop.port, "describe_tool", READER[0], {"name": "add_note"})
    assert "there is no tool of that name" in described.error["message"]


def test_each_version_of_the_protocol_has_its_own_envelope_whoever_came_first(shop: Shop):
    for _ in range(2):
        assert set(listed(shop.port, READER[0]).result) == {"tools"}
        told = modern(shop.port, "tools/list", READER[0]).result
        assert (told["resultType"], told["cacheScope"]) == ("complete", "private")


def test_a_tool_that_is_refused_through_another_is_written_down(shop: Shop, upstream: Upstream):
    before = len(shop.lines())
    refused = call(shop.port, "call_tool", READER[0], {"name": "remove_order", "arguments": ORDER}).error
    assert refused == call(shop.port, "remove_order", READER[0]).error
    assert refused["code"] == "not_allowed"
    assert shop.lines()[before:] == [("key:reader", "remove_order", "not_allowed")] * 2
    assert upstream.received == []


# --- Numbers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ['{"kilos": 1e400}', '{"kilos": 1, "tare": NaN}', '{"kilos": -Infinity}'])
def test_a_number_beyond_all_numbers_is_refused_and_not_sent_as_a_word(shop: Shop, upstream: Upstream, arguments: str):
    error = call(shop.port, "weigh", WRITER[0], json.loads(arguments)).error
    assert error["code"] == "invalid_arguments"
    assert "finite" in error["hint"]
    assert upstream.received == []


def test_a_word_is_no_number(shop: Shop, upstream: Upstream):
    call(shop.port, "weigh", WRITER[0], {"kilos": 1, "note": "NaN Infinity"})
    assert [request.query for request in upstream.received] == [[("note", "NaN Infinity")]]


# --- Logs ------------------------------------------------------------------------------------------------------------


def test_nothing_that_a_caller_names_commands_a_terminal(shop: Shop):
    evil = "\x1b]0;gone\x07\x9b2J\u202e\r\nall is well"
    for headers in ({"Mcp-Session-Id": "\x9b2J"}, {"Origin": "http://\x9b2J"}, {"Mcp-Protocol-Version": "\x9b2J"}):
        call(shop.port, "show_order", READER[0], **headers)
    call(shop.port, evil, READER[0], {evil: evil})
    call(shop.port, "call_tool", READER[0], {"name": evil, "arguments": {}})
    modern(shop.port, "notifications/" + evil.encode("unicode_escape").decode(), READER[0])
    for message in ({"id": evil, "method": evil}, {"method": "notifications/cancelled", "params": {"reason": evil}}):
        send(shop.port, {"jsonrpc": "2.0", **message}, READER[0])
    for text in (shop.server.said(), shop.audit.read_text()):
        assert all(line.isprintable() for line in text.split("\n"))
        assert "\nall is well" not in text


PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")


@PIPES
def test_a_pipe_that_nobody_reads_is_no_audit_log(tmp_path: Path):
    os.mkfifo(tmp_path / "audit")
    command = (sys.executable, "-m", "telefonica_mcp", "--audit-log", "audit")
    ended = run(command, tmp_path, surroundings({}))
    assert ended.returncode == 2
    assert "The audit log audit cannot be written." in ended.stderr


@PIPES
def test_a_pipe_that_nobody_reads_on_holds_up_no_call(tmp_path: Path, upstream: Upstream):
    os.mkfifo(tmp_path / "audit")
    reader = os.open(tmp_path / "audit", os.O_RDONLY | os.O_NONBLOCK)
    try:
        environ = {"PYTHONPATH": str(build(CATALOG, tmp_path).folder), "SHOP_URL": upstream.url}
        with http_server(environ, tmp_path, "--audit-log", "audit", serve=SERVE) as server:
            pipe = os.open(tmp_path / "audit", os.O_WRONLY | os.O_NONBLOCK)
            with suppress(BlockingIOError):
                while os.write(pipe, b"x"):
                    pass  # until it is full
            assert call(server.port, "show_order").result["structuredContent"] == {"done": True}
            assert "audit log cannot be written" in server.said()
            os.close(pipe)
    finally:
        os.close(reader)
