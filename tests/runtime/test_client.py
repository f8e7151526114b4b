"""The generated client: typed answers, many calls at once, and servers that are not there, fall silent, or die."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import inspect
import json
import os
import pickle
import signal
import socket
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import StdioServerParameters
from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent
from pydantic import MISSING

from telefonica_mcp import client as generated
from telefonica_mcp import errors
from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import ApiError, Failed, NotConfigured, SchemaMismatch, ServerLost, TimedOut
from telefonica_mcp.models.telefonica import DeudaFijaResult, Invoice, ListadoDeBoletasFijaResult
from telefonica_mcp.server import create_server
from tests.runtime import answers
from tests.runtime.answers import changed, fixed
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
from tests.runtime.upstream import Peer, Received, Upstream, ok, response

pytestmark = pytest.mark.anyio

AT_ONCE = 5.0
"""Seconds; every time-out that could be waited for in place of noticing is ten times as long."""


# --- Answers ---------------------------------------------------------------------------------------------------------


async def test_answers_are_typed(door: Door):
    listing = await door.client.listado_de_boletas_fija(customer_id=45829374, msisidn="56987654321")
    assert isinstance(listing, ListadoDeBoletasFijaResult)
    assert isinstance(listing.impl_invoice_lists[0], Invoice)
    assert listing.customer_name == "LOPEZ TORRES MIGUEL ALEJANDRO"
    assert listing.impl_invoice_lists[0].invoice_amount == 9539
    assert listing.impl_invoice_lists[0].invoice_due_date is MISSING

    link = await door.client.retrieve_invoice_link(billing_invoice_number="523_47_682957384", is_cyclic_invoice=True)
    assert link.invoice_link == "https://facturas.example.com/523_47_682957384.pdf"
    assert link.expires_at is MISSING


async def test_dates_are_dates(in_process: Door, upstream: Upstream):
    upstream.answer = changed(expiresAt="2025-12-31T23:59:59Z")
    link = await in_process.client.retrieve_invoice_link(billing_invoice_number="1_2_3", is_cyclic_invoice=True)
    assert link.expires_at == dt.datetime(2025, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    upstream.answer = ok
    async with TelefonicaClient.in_process(settings(upstream.url)) as client:
        debt = await client.deuda_fija(customer_identification="1", type="RUT", document="2")
    assert isinstance(debt, DeudaFijaResult)
    assert isinstance(debt.debts, list)
    assert debt.debts[0].due_date == dt.date(2025, 12, 1)


FULL = {
    "customerId": 45829374,
    "customerName": "Ñandú ☃",
    "customerRut": "198765432",
    "msisidn": None,
    "implInvoiceLists": [
        {
            "billingInvoiceNumber": "1_2_3",
            "invoiceAmount": 1.0,
            "invoiceStatusInd": "X",
            "documentType": "NOTA DE CRÉDITO",
            "currency": None,
            "invoiceDueDate": "2025-12-01",
            "taxes": [{"rate": 0.19}, None, True, "19 %"],
        }
    ],
    # Members that nobody announced, with the names that are most in the way.
    "customer_id": "the Python name of a member",
    "self": 1,
    "model_dump": {"deep": [{"er": None}]},
    "__class__": "x",
    "model_fields_set": [],
    "": "no name at all",
}


async def test_what_the_catalog_does_not_know_survives(door: Door, upstream: Upstream):
    upstream.answer = fixed(json.dumps(FULL))
    listing = await door.client.listado_de_boletas_fija(customer_id=45829374, msisidn="56987654321")
    assert listing.model_dump(mode="json") == FULL
    assert json.loads(listing.model_dump_json()) == FULL
    assert await door.client.call("listado_de_boletas_fija", INVOICES) == FULL
    [invoice] = listing.impl_invoice_lists
    assert listing.customer_id == 45829374
    assert listing.msisidn is None
    assert invoice.invoice_status_ind == "X"
    assert invoice.document_type == "NOTA DE CRÉDITO"
    assert invoice.invoice_amount == 1


async def test_an_answer_may_start_with_a_byte_order_mark_and_be_called_html(in_process: Door, upstream: Upstream):
    upstream.answer = fixed(b"\xef\xbb\xbf" + json.dumps(FULL).encode(), kind="text/html; charset=utf-8")
    assert await in_process.client.call("listado_de_boletas_fija", INVOICES) == FULL


async def test_an_answer_may_be_packed(in_process: Door, upstream: Upstream):
    upstream.answer = fixed(gzip.compress(json.dumps(FULL).encode()), "200 OK", "Content-Encoding: GZIP")
    assert await in_process.client.call("listado_de_boletas_fija", INVOICES) == FULL


async def test_an_answer_just_below_the_limit_arrives_whole(door: Door, upstream: Upstream):
    upstream.answer = changed(customerName="x" * 255_000)
    listing = await door.client.listado_de_boletas_fija(customer_id=1, msisidn="56987654321")
    assert len(listing.customer_name) == 255_000


# --- One call, without a client --------------------------------------------------------------------------------------


async def test_one_shot_functions_take_the_catalogs_names_and_give_dicts(
    upstream: Upstream, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in settings(upstream.url).items():
        monkeypatch.setenv(name, value)
    debt = await generated.call_deuda_fija(customerIdentification="198765432", type="RUT", document="4582")
    assert debt == {
        "customerIdentification": "198765432",
        "totalDebt": 9539,
        "currency": "CLP",
        "debts": [{"document": "4582", "amount": 9539, "dueDate": "2025-12-01"}],
    }
    invoices = await generated.call_listado_de_boletas_fija(45829374, "56987654321")
    assert invoices["customerId"] == 45829374
    assert len(invoices["implInvoiceLists"]) == 3
    link = await generated.call_retrieve_invoice_link(billingInvoiceNumber="523_47_682957384", isCyclicInvoice=True)
    assert link["invoiceLink"] == "https://facturas.example.com/523_47_682957384.pdf"
    assert list(inspect.signature(generated.call_listado_de_boletas_fija).parameters) == ["customerId", "msisidn"]


async def test_one_shot_functions_say_what_is_missing(empty_folder: Path):
    with pytest.raises(NotConfigured, match="APIM_SUBSCRIPTION_KEY"):
        await generated.call_retrieve_invoice_link("523_47_682957384", True)


# --- Many calls at once ----------------------------------------------------------------------------------------------


def in_reverse(count: int) -> Any:
    """Wait until so many requests are there, then answer the last one first."""
    turns = [asyncio.Event() for _ in range(count)]
    arrived = 0

    async def answer(request: Received, peer: Peer) -> None:
        nonlocal arrived
        mine, arrived = arrived, arrived + 1
        if arrived == count:
            turns[-1].set()
        await turns[mine].wait()
        await ok(request, peer)
        if mine:
            turns[mine - 1].set()

    return answer


async def test_64_calls_at_once_each_get_their_own_answer(door: Door, upstream: Upstream):
    upstream.answer = in_reverse(64)

    async def call(number: int) -> int:
        answer = await door.client.listado_de_boletas_fija(customer_id=number, msisidn=f"5698765{number:04}")
        assert answer.msisidn == f"5698765{number:04}"
        return answer.customer_id

    numbers = list(range(1, 65))
    assert await asyncio.gather(*map(call, numbers)) == numbers
    assert len(upstream.received) == 64


async def test_one_failing_call_fails_alone(door: Door, upstream: Upstream):
    async def answer(request: Received, peer: Peer) -> None:
        odd = json.loads(request.body)["customerId"] % 2
        await (answers.reset_before if odd else ok)(request, peer)

    upstream.answer = answer
    calls = (door.client.listado_de_boletas_fija(customer_id=n, msisidn="56987654321") for n in range(1, 33))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in outcomes] == [errors.Unreachable, ListadoDeBoletasFijaResult] * 16


async def test_a_cancelled_call_hangs_up_on_the_upstream_and_harms_no_other(door: Door, upstream: Upstream):
    upstream.answer = answers.slow_headers
    call = asyncio.create_task(door.client.call("listado_de_boletas_fija", INVOICES))
    await eventually(lambda: upstream.received)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    if not door.url:  # over HTTP the server ends the request on its own, in its own time
        await eventually(lambda: upstream.left == 1)
    upstream.answer = ok
    await door.client.call("listado_de_boletas_fija", INVOICES)


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
        await client.call("listado_de_boletas_fija", INVOICES)


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


async def lost(server: Any, seconds: float = 20.0) -> str:
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
        fixed("", "401 Unauthorized"),
        fixed("", "500 Internal Server Error"),
        fixed("", "302 Found", "Location: http://localhost/elsewhere"),
        fixed('{"jsonrpc":"2.0","id":0,"result":{}}'),
        fixed("nonsense"),
        answers.reset_before,
        answers.closed_in_the_middle,
    ],
    ids=["404", "HTML", "401", "500", "redirect", "empty result", "no JSON", "reset", "closed in the middle"],
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


# --- Errors ----------------------------------------------------------------------------------------------------------


def test_an_error_survives_pickling_and_json():
    error = errors.RateLimited("m", "h", status=429, retry_after=7.5, detail="d", data={"a": [1]})
    for copy in (
        pickle.loads(pickle.dumps(error)),  # noqa: S301 - our own
        errors.from_dict(json.loads(json.dumps(error.to_dict()))),
    ):
        assert type(copy) is errors.RateLimited
        assert copy.to_dict() == error.to_dict()
        assert str(copy) == "m h"


def test_every_error_has_a_code_of_its_own():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ApiError)]
    codes = [kind.code for kind in kinds if kind not in (ApiError, errors.UpstreamError)]
    assert len(set(codes)) == len(codes)
    assert all(type(errors.from_dict({"code": kind.code})) is kind for kind in kinds if kind.code in codes[:-1])
