"""An upstream that misbehaves: each way is told the same, through each way to the server, and does no harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from telefonica_mcp import errors
from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import ApiError
from tests.runtime import answers
from tests.runtime.answers import fixed
from tests.runtime.doors import DEBT, INVOICES, Door, eventually, settings
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Answer, Peer, Received, Upstream, ok

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Failure:
    """An answer of the upstream, and what a caller is told."""

    answer: Answer
    kind: type[ApiError]
    status: int | None
    said: str
    """Words of message and hint."""
    tool: str = "listado_de_boletas_fija"


DENIED = json.dumps({"message": "No tiene permiso para esta operación"})
INVOICE = {"billingInvoiceNumber": "1_1_1", "invoiceStatusInd": "O"}

FAILURES = {
    "400": Failure(fixed("{}", "400 Bad Request"), errors.Rejected, 400, "See 'detail'"),
    "401": Failure(fixed(DENIED, "401 Unauthorized"), errors.Unauthorized, 401, "Check APIM_SUBSCRIPTION_KEY"),
    "403 JSON": Failure(fixed(DENIED, "403 Forbidden"), errors.Forbidden, 403, "credential in APIM_SUBSCRIPTION_KEY"),
    "403 JSON as HTML": Failure(fixed(DENIED, "403 Forbidden", kind="text/html"), errors.Forbidden, 403, "access"),
    "403 firewall": Failure(
        fixed(answers.WAF_PAGE, "403 Forbidden", kind="text/html"), errors.Blocked, 403, "network that the API allows"
    ),
    "200 firewall": Failure(fixed(answers.WAF_PAGE, kind="text/html"), errors.Blocked, 200, "firewall"),
    "200 HTML": Failure(fixed(answers.LOGIN_PAGE, kind="text/html"), errors.NotJson, 200, "Check the base URL"),
    "404": Failure(fixed("{}", "404 Not Found"), errors.NotFound, 404, "identifiers are right and complete"),
    "404 HTML": Failure(fixed(answers.LOGIN_PAGE, "404 Not Found", kind="text/html"), errors.NotFound, 404, "HTTP 404"),
    "429": Failure(fixed("{}", "429 Too Many Requests"), errors.RateLimited, 429, "Wait"),
    "500": Failure(fixed('{"trace":"x"}', "500 Internal Server Error"), errors.UpstreamFailed, 500, "Try again later"),
    "502 HTML": Failure(
        fixed(answers.LOGIN_PAGE, "502 Bad Gateway", kind="text/html"), errors.UpstreamFailed, 502, "HTTP 502"
    ),
    "599": Failure(fixed("", "599 Whatever"), errors.UpstreamFailed, 599, "HTTP 599"),
    "redirect": Failure(
        fixed("", "302 Found", "Location: http://localhost/elsewhere"), errors.Rejected, 302, "Check the base URL"
    ),
    "304": Failure(fixed("", "304 Not Modified"), errors.Rejected, 304, "HTTP 304"),
    "empty": Failure(fixed(""), errors.NotJson, 200, "not JSON"),
    "204": Failure(fixed("", "204 No Content"), errors.NotJson, 204, "not JSON"),
    "truncated": Failure(answers.truncated_json, errors.NotJson, 200, "not JSON"),
    "not JSON": Failure(fixed("OK", kind="text/plain"), errors.NotJson, 200, "not JSON (text/plain)"),
    "not UTF-8": Failure(fixed(b'{"a": "\xff"}'), errors.NotJson, 200, "not JSON"),
    "too deep": Failure(fixed(b"[" * 100_000), errors.NotJson, 200, "100 deep"),
    "NaN": Failure(answers.not_a_number, errors.NotJson, 200, "not JSON"),
    "beyond a float": Failure(fixed('{"customerId": 1, "x": [1E+400]}'), errors.NotJson, 200, "not JSON"),
    "broken gzip": Failure(answers.broken_gzip, errors.NotJson, 200, "decompressed"),
    "gzip bomb": Failure(answers.gzip_bomb, errors.AnswerTooLarge, 200, "larger than 256 kB"),
    "gzip bomb in gzip": Failure(answers.gzip_bomb_in_gzip, errors.NotJson, 200, "decompressed"),
    "unknown encoding": Failure(answers.unknown_encoding, errors.NotJson, 200, "decompressed"),
    "300 kB": Failure(answers.changed(customerName="x" * 300_000), errors.AnswerTooLarge, 200, "larger than 256 kB"),
    "endless": Failure(answers.endless_body, errors.AnswerTooLarge, 200, "larger than 256 kB"),
    "endless failure": Failure(answers.endless_failure, errors.UpstreamFailed, 502, "HTTP 502"),
    "a list": Failure(fixed("[1, 2]"), errors.SchemaMismatch, 200, "the answer itself"),
    "null": Failure(fixed("null"), errors.SchemaMismatch, 200, "the answer itself"),
    "wrong type": Failure(answers.changed(customerId="45829374"), errors.SchemaMismatch, 200, "customerId"),
    "bool for a number": Failure(answers.changed(customerId=True), errors.SchemaMismatch, 200, "customerId"),
    "null where required": Failure(answers.changed(customerName=None), errors.SchemaMismatch, 200, "customerName"),
    "missing where required": Failure(answers.without("customerRut"), errors.SchemaMismatch, 200, "customerRut"),
    "wrong inside a list": Failure(
        answers.changed(implInvoiceLists=[INVOICE]), errors.SchemaMismatch, 200, "implInvoiceLists.0.invoiceAmount"
    ),
    "reset": Failure(answers.reset_before, errors.Unreachable, None, "Check APIM_BASE_URL"),
    "closed": Failure(answers.closed_before, errors.Unreachable, None, "Check APIM_BASE_URL"),
    "closed in the middle": Failure(answers.closed_in_the_middle, errors.Unreachable, None, "Check APIM_BASE_URL"),
    "not HTTP": Failure(answers.not_http, errors.Unreachable, None, "Check APIM_BASE_URL"),
    **{f"401 echo, {form}": Failure(answers.echo(form), errors.Unauthorized, 401, "401") for form in answers.ECHOES},
    **{
        f"200 echo, {form}": Failure(answers.echo(form, "200 OK"), errors.SchemaMismatch, 200, "schema")
        for form in ("plain", "JSON with escaped slashes", "JSON with escaped signs")
    },
    "401 echo of a bearer token": Failure(
        answers.echo("plain"), errors.Unauthorized, 401, "Check BEARER_TOKEN", tool="deuda_fija"
    ),
    "echo in the content type": Failure(answers.echo_in_content_type, errors.NotJson, 200, "not JSON"),
    "echo in the location": Failure(answers.echo_in_location, errors.Rejected, 302, "HTTP 302"),
}
ARGUMENTS: dict[str, dict[str, Any]] = {"listado_de_boletas_fija": INVOICES, "deuda_fija": DEBT}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_every_failure_has_its_code_and_leaks_nothing(door: Door, upstream: Upstream, failure: Failure):
    upstream.answer = failure.answer
    await is_told(door, failure, ARGUMENTS[failure.tool])
    assert not any("elsewhere" in request.target for request in upstream.received)

    upstream.answer = fixed(
        json.dumps({"customerId": 1, "customerName": "a", "customerRut": "b", "implInvoiceLists": []})
    )
    assert (await door.client.listado_de_boletas_fija(customer_id=1, msisidn="56987654321")).customer_name == "a"


async def is_told(door: Door, failure: Failure, arguments: Mapping[str, Any]) -> None:
    """The generated client and the official one are told the same, and no secret."""

    async def call() -> ApiError:
        with pytest.raises(ApiError) as raised:
            await door.client.call(failure.tool, arguments)
        return raised.value

    error, result = await asyncio.gather(call(), door.plain.call_tool(failure.tool, arguments))

    assert type(error) is failure.kind
    assert error.status == failure.status
    assert failure.said in str(error)
    assert error.hint

    assert result.is_error
    assert result.structured_content is None
    [block] = result.content
    told = json.loads(block.text)["error"]
    assert told == json.loads(json.dumps(error.to_dict()))
    assert told["code"] == failure.kind.code
    assert told.get("retryable", False) == failure.kind.retryable

    assert not leaks(block.text)
    assert not leaks(f"{error} {error!r} {error.detail} {error.data}")
    assert not leaks(door.said())
    assert "Traceback" not in door.said()


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 7", 7),
        ("Retry-After: 0", 0),
        ("Retry-After: soon", None),
        ("Retry-After: -5", None),
        ("Retry-After: Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("X-Other: 1", None),
    ],
)
async def test_a_caller_is_told_when_to_come_back(in_process: Door, upstream: Upstream, status, header, seconds):
    upstream.answer = fixed("{}", status, header)
    with pytest.raises(ApiError) as raised:
        await in_process.client.call("listado_de_boletas_fija", INVOICES)
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize(("offset", "earliest", "latest"), [(60, 1, 60), (-60, 0, 0)])
async def test_a_date_to_come_back_is_told_in_seconds(in_process: Door, upstream: Upstream, offset, earliest, latest):
    upstream.answer = fixed("{}", "429 Too Many Requests", answers.retry_after_date(offset))
    with pytest.raises(errors.RateLimited) as raised:
        await in_process.client.call("listado_de_boletas_fija", INVOICES)
    assert raised.value.retry_after is not None
    assert earliest <= raised.value.retry_after <= latest


async def test_what_the_upstream_said_is_told_in_one_printable_line(in_process: Door, upstream: Upstream):
    upstream.answer = fixed("\x1b[31mfallo\r\n\u202e grave " + "x" * 1000, "400 Bad Request")
    with pytest.raises(errors.Rejected) as raised:
        await in_process.client.call("listado_de_boletas_fija", INVOICES)
    assert raised.value.detail.isprintable()
    assert raised.value.detail.startswith("[31mfallo grave xxx")
    assert len(raised.value.detail) <= 300


async def test_a_firewalls_page_is_told_without_its_markup(in_process: Door, upstream: Upstream):
    upstream.answer = fixed(answers.WAF_PAGE, "403 Forbidden", kind="text/html")
    with pytest.raises(errors.Blocked) as raised:
        await in_process.client.call("listado_de_boletas_fija", INVOICES)
    assert "Your support ID is: 1234567890" in raised.value.detail
    assert "<" not in raised.value.detail


async def test_an_answer_that_breaks_its_schema_is_told_whole(door: Door, upstream: Upstream):
    drifted = {"customerId": "45", "customerName": None, "new": [1.5, {"ñ": "☃"}], "null": None}
    upstream.answer = fixed(json.dumps(drifted))
    with pytest.raises(errors.SchemaMismatch) as raised:
        await door.client.call("listado_de_boletas_fija", INVOICES)
    assert raised.value.data == drifted
    result = await door.plain.call_tool("listado_de_boletas_fija", INVOICES)
    assert json.loads(result.content[0].text)["error"]["data"] == drifted


async def test_a_secret_in_a_good_answer_is_masked(door: Door, upstream: Upstream):
    upstream.answer = answers.echo_in_a_success
    result = await door.plain.call_tool("listado_de_boletas_fija", INVOICES)
    assert not result.is_error
    assert result.structured_content["debug"] == {"sent": "***"}
    assert not leaks(result.model_dump_json())


async def test_a_short_secret_does_not_blot_out_a_good_answer(upstream: Upstream):
    async with TelefonicaClient.in_process(settings(upstream.url, APIM_SUBSCRIPTION_KEY="4")) as client:
        answer = await client.listado_de_boletas_fija(customer_id=45829374, msisidn="56987654321")
    assert answer.customer_id == 45829374


async def test_cookies_do_not_come_back(in_process: Door, upstream: Upstream):
    upstream.answer = answers.sets_cookies
    await in_process.client.call("listado_de_boletas_fija", INVOICES)
    await in_process.client.call("listado_de_boletas_fija", INVOICES)
    assert [request.header("cookie") for request in upstream.received] == [[], []]


async def test_a_call_out_of_time_is_told_so_and_hangs_up_on_the_upstream(door: Door, upstream: Upstream):
    ways = {"headers": answers.slow_headers, "body": answers.slow_body}

    async def answer(request: Received, peer: Peer) -> None:
        await ways[json.loads(request.body)["document"]](request, peer)

    upstream.answer = answer
    said = "within 2.5 seconds. Try again, or raise DIRECT_TIMEOUT."
    late = Failure(answer, errors.TimedOut, None, said, "deuda_fija")
    while not upstream.received:  # on a busy machine the time may be over before a request is out
        await asyncio.gather(*(is_told(door, late, DEBT | {"document": way}) for way in ways))
    await eventually(lambda: upstream.left >= len(upstream.received))
    upstream.answer = ok
    await door.client.call("listado_de_boletas_fija", INVOICES)
