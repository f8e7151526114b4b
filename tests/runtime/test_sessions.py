"""Sessions with servers: how they begin and end, and servers that are not there, fall silent, or die."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters

from telefonica_mcp import errors
from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import ApiError, ServerLost, TimedOut
from telefonica_mcp.server import create_server
from tests.runtime import answers
from tests.runtime.answers import fixed
from tests.runtime.doors import (
    INVOICES,
    SERVE,
    Door,
    eventually,
    free_port,
    http_server,
    settings,
    surroundings,
)
from tests.runtime.upstream import Upstream, ok

pytestmark = pytest.mark.anyio

AT_ONCE = 10.0
"""Seconds; every time-out that could be waited for in place of noticing is several times as long."""


# --- The life of a session -------------------------------------------------------------------------------------------


@pytest.fixture(params=["in_process", "stdio", "http"])
def server(request: pytest.FixtureRequest, upstream: Upstream, tmp_path: Path) -> Any:
    """What `connect` is given for each way to the server."""
    environ = settings(upstream.url)
    if request.param == "in_process":
        return create_server(environ)
    if request.param == "stdio":
        return StdioServerParameters(command=SERVE[0], args=list(SERVE[1:]), env=surroundings(environ), cwd=tmp_path)
    return request.getfixturevalue("http").url


async def test_a_session_may_be_opened_in_one_task_and_closed_in_another(server: Any):
    manager = TelefonicaClient.connect(server)
    client = await asyncio.create_task(manager.__aenter__())
    await client.call("listado_de_boletas_fija", INVOICES)
    error = KeyError("the caller's own")
    assert not await asyncio.create_task(manager.__aexit__(KeyError, error, None))
    with pytest.raises(ServerLost, match="Open a new client"):
        await client.call("listado_de_boletas_fija", INVOICES)


@pytest.mark.parametrize("server", ["in_process", "http"], indirect=True)
async def test_a_call_that_takes_too_long_for_the_client_ends_alone(server: Any, upstream: Upstream):
    async with TelefonicaClient.connect(server, read_timeout=0.5) as client:
        upstream.answer = answers.slow_headers
        with pytest.raises(TimedOut, match="read_timeout"):
            await client.call("listado_de_boletas_fija", INVOICES)
        upstream.answer = ok
        while True:
            with suppress(TimedOut):  # on a busy machine the time may be over before a good answer is there
                await client.call("listado_de_boletas_fija", INVOICES)
                break


@pytest.mark.parametrize("server", ["in_process", "http"], indirect=True)
async def test_the_callers_own_exceptions_come_through_as_they_are(server: Any):
    with pytest.raises(KeyError) as raised:
        async with TelefonicaClient.connect(server):
            raise KeyError("mine")
    assert raised.value.args == ("mine",)
    with pytest.raises(ApiError):
        async with TelefonicaClient.connect(server) as client:
            await client.call("deuda_fija", {})
    with pytest.raises(asyncio.CancelledError):
        async with TelefonicaClient.connect(server):
            raise asyncio.CancelledError


@pytest.mark.parametrize("server", ["in_process", "http"], indirect=True)
async def test_closing_a_session_ends_its_pending_calls(server: Any, upstream: Upstream):
    upstream.answer = answers.slow_headers
    started = time.monotonic()
    async with TelefonicaClient.connect(server) as client:
        calls = [asyncio.create_task(client.call("listado_de_boletas_fija", INVOICES)) for _ in range(8)]
        await eventually(lambda: len(upstream.received) == 8)
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, ServerLost | errors.Unreachable)
    assert time.monotonic() - started < AT_ONCE


# --- Servers that are not there, fall silent, or die -----------------------------------------------------------------


def with_pid(folder: Path, environ: dict[str, str]) -> StdioServerParameters:
    """A command that starts the server, and leaves its process id in a file."""
    script = 'echo $$ > pid; exec "$0" "$@"'
    return StdioServerParameters(command="/bin/sh", args=["-c", script, *SERVE], env=surroundings(environ), cwd=folder)


async def all_lost(client: TelefonicaClient, upstream: Upstream, kill: Any) -> None:
    """Kill the server under load: every pending call ends at once, and so does every later one."""
    upstream.answer = answers.slow_headers
    calls = [asyncio.create_task(client.call("listado_de_boletas_fija", INVOICES)) for _ in range(32)]
    await eventually(lambda: len(upstream.received) == 32)
    killed = time.monotonic()
    kill()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in outcomes] == [ServerLost] * 32
    for _ in range(3):
        with pytest.raises(ServerLost, match="Open a new client"):
            await client.call("listado_de_boletas_fija", INVOICES)
    assert time.monotonic() - killed < AT_ONCE
    upstream.answer = ok


async def test_a_killed_server_is_an_error_at_once(upstream: Upstream, tmp_path: Path):
    command = with_pid(tmp_path, settings(upstream.url))
    async with TelefonicaClient.connect(command) as client:
        pid = int((tmp_path / "pid").read_text())
        await all_lost(client, upstream, lambda: os.kill(pid, signal.SIGKILL))
        async with TelefonicaClient.connect(command) as another:
            await another.call("listado_de_boletas_fija", INVOICES)


async def test_a_request_that_is_too_large_for_http_is_told_with_its_size(http: Door):
    with pytest.raises(errors.RequestTooLarge) as raised:
        await http.client.listado_de_boletas_fija(customer_id=1, msisidn="5" * 5_000_000)
    assert raised.value.code == "request_too_large"
    assert "are 5.0 MB of JSON; over HTTP the MCP server takes 4.2 MB" in str(raised.value)
    await http.client.listado_de_boletas_fija(customer_id=1, msisidn="56987654321")


async def test_an_http_server_that_goes_away_is_an_error_at_once(upstream: Upstream, tmp_path: Path):
    with http_server(settings(upstream.url), tmp_path) as server:
        async with TelefonicaClient.connect(server.url) as client, TelefonicaClient.connect(server.url) as idle:
            await all_lost(client, upstream, server.process.kill)
            server.process.wait()
            with pytest.raises(ServerLost):
                await idle.call("listado_de_boletas_fija", INVOICES)


async def test_a_launched_server_ends_with_its_session_however_that_ends(upstream: Upstream, tmp_path: Path):
    upstream.answer = answers.slow_headers
    command = with_pid(tmp_path, settings(upstream.url))
    with anyio.move_on_after(60) as scope:
        async with TelefonicaClient.connect(command) as client:
            call = asyncio.create_task(client.call("listado_de_boletas_fija", INVOICES))
            await eventually(lambda: upstream.received)
            scope.cancel()
            await anyio.sleep_forever()
    with pytest.raises(ServerLost):
        await call
    assert not runs(int((tmp_path / "pid").read_text()))


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def lost(server: Any, seconds: float = 30.0) -> str:
    """What is said of a server that cannot be reached."""
    started = time.monotonic()
    with pytest.raises(ServerLost) as raised:
        async with TelefonicaClient.connect(server, connect_timeout=seconds):
            pass
    assert time.monotonic() - started < AT_ONCE
    return str(raised.value)


async def test_nothing_at_an_address_is_said_at_once():
    assert "cannot be reached" in await lost(f"http://127.0.0.1:{free_port()}/mcp")


async def test_a_mute_server_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        said = await lost(f"http://127.0.0.1:{mute.getsockname()[1]}/mcp", 0.3)
    assert "within 0.3 seconds" in said


@pytest.mark.parametrize(
    "answer",
    [
        fixed("{}", "404 Not Found"),
        fixed(answers.LOGIN_PAGE, kind="text/html"),
        fixed("", "500 Internal Server Error"),
        fixed("", "302 Found", "Location: http://localhost/elsewhere"),
        fixed('{"jsonrpc":"2.0","id":0,"result":{}}'),
        fixed("nonsense"),
        answers.reset_before,
        answers.closed_in_the_middle,
    ],
    ids=["404", "HTML", "500", "redirect", "empty result", "no JSON", "reset", "closed in the middle"],
)
async def test_an_address_that_is_no_mcp_server_is_said_to_be_none(upstream: Upstream, answer: Any):
    upstream.answer = answer
    assert "cannot be reached" in await lost(f"{upstream.url}/mcp", 1)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/mcp", "http://", "http://[::1", "http://a..b/mcp"])
async def test_an_address_that_is_none_is_said_to_be_none(url: str):
    assert "cannot be reached" in await lost(url)


def shell(script: str) -> StdioServerParameters:
    return StdioServerParameters(command="/bin/sh", args=["-c", script])


async def test_a_command_that_does_not_exist_is_said_so():
    assert "FileNotFoundError" in await lost(StdioServerParameters(command="/nonexistent/server"))


@pytest.mark.parametrize("script", ["true", "false", "cat", "echo hello", "echo '{}'", "exec 1>&-; cat >/dev/null"])
async def test_a_command_that_ends_or_is_no_server_is_noticed_at_once(script: str):
    assert "cannot be reached" in await lost(shell(script))


@pytest.mark.parametrize("script", ["cat >/dev/null", "echo hello; cat >/dev/null"])
async def test_a_command_that_never_answers_is_given_up_in_time(script: str):
    assert "within 0.3 seconds" in await lost(shell(script), 0.3)
