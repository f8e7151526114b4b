"""What reaches the APIs, byte for byte, and what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import InvalidArguments
from tests.runtime.doors import DEBT, INVOICES, KEY, LINK, TOKEN, Door, settings
from tests.runtime.upstream import Upstream

pytestmark = pytest.mark.anyio

OBP = "/obp/pdd/ods/mobile/v1/api/clients"
REQUESTS = {
    "deuda_fija": (DEBT, "POST", "/api/debt/fixed", DEBT, {"Authorization": f"Bearer {TOKEN}"}),
    "listado_de_boletas_fija": (
        INVOICES,
        "POST",
        f"{OBP}/GetListInvoices",
        INVOICES,
        {"Ocp-Apim-Subscription-Key": KEY},
    ),
    "retrieve_invoice_link": (
        LINK,
        "GET",
        f"{OBP}/RetrieveInvoiceLink?billingInvoiceNumber=523_47_682957384&isCyclicInvoice=true",
        None,
        {"Ocp-Apim-Subscription-Key": KEY},
    ),
}


@pytest.mark.parametrize("tool", REQUESTS)
async def test_a_call_becomes_exactly_this_request(door: Door, upstream: Upstream, tool: str):
    arguments, method, target, body, credential = REQUESTS[tool]
    await door.client.call(tool, arguments)
    [request] = upstream.received
    assert (request.method, request.target) == (method, target)
    assert (json.loads(request.body) if request.body else None) == body
    carried = {
        "Host": upstream.url.removeprefix("http://"),
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "mcp-codegen",
        "Connection": "keep-alive",
        **credential,
    }
    if body is not None:
        carried |= {"Content-Type": "application/json", "Content-Length": str(len(request.body))}
    assert sorted((name.title(), value) for name, value in request.headers) == sorted(carried.items())


async def test_a_gateways_credential_goes_nowhere_else(in_process: Door, upstream: Upstream):
    for tool, (arguments, *_) in REQUESTS.items():
        await in_process.client.call(tool, arguments)
    debt, invoices, link = upstream.received
    assert TOKEN in str(debt)
    assert KEY not in str(debt)
    for request in (invoices, link):
        assert KEY in str(request)
        assert TOKEN not in str(request)
        assert KEY not in request.target


async def test_text_arrives_as_it_was_sent(door: Door, upstream: Upstream):
    texts = ["null", "true", "12", '{"a": 1}', "[1]", 'quote " and \\ backslash', "ñandú ☃ 🧾", "a\nb\tc\x00d", "x" * 9]
    for text in texts:
        upstream.received.clear()
        await door.client.deuda_fija(customer_identification=text, type=" RUT ", document="4582")
        [request] = upstream.received
        assert json.loads(request.body) == {"customerIdentification": text, "type": " RUT ", "document": "4582"}


async def test_great_numbers_arrive_whole(door: Door, upstream: Upstream):
    await door.client.listado_de_boletas_fija(customer_id=2**63 + 1, msisidn="56987654321")
    assert json.loads(upstream.received[0].body)["customerId"] == 2**63 + 1


@pytest.mark.parametrize("tail", ["", "/", "///"])
async def test_a_base_url_may_have_a_path_and_end_in_slashes(upstream: Upstream, tail: str):
    async with TelefonicaClient.in_process(
        settings(upstream.url, APIM_BASE_URL=f"{upstream.url}/gw/v2{tail}")
    ) as client:
        await client.call("retrieve_invoice_link", LINK)
    assert upstream.received[0].path == f"/gw/v2{OBP}/RetrieveInvoiceLink"


async def test_false_is_written_as_json_writes_it(in_process: Door, upstream: Upstream):
    await in_process.client.retrieve_invoice_link(billing_invoice_number="1_2_3", is_cyclic_invoice=False)
    assert upstream.received[0].query == [("billingInvoiceNumber", "1_2_3"), ("isCyclicInvoice", "false")]


async def test_connections_are_used_again(door: Door, upstream: Upstream):
    await door.client.call("listado_de_boletas_fija", INVOICES)
    opened = upstream.connections
    for _ in range(5):
        await door.client.call("listado_de_boletas_fija", INVOICES)
    assert upstream.connections == opened


BAD: dict[str, tuple[str, Any, str]] = {
    "text for a number": ("listado_de_boletas_fija", INVOICES | {"customerId": "123"}, "customerId"),
    "a fraction for a number": ("listado_de_boletas_fija", INVOICES | {"customerId": 1.5}, "customerId"),
    "bool for a number": ("listado_de_boletas_fija", INVOICES | {"customerId": True}, "customerId"),
    "null": ("listado_de_boletas_fija", INVOICES | {"customerId": None}, "customerId"),
    "too small": ("listado_de_boletas_fija", INVOICES | {"customerId": 0}, "customerId"),
    "a list": ("listado_de_boletas_fija", INVOICES | {"customerId": [1]}, "customerId"),
    "missing": ("listado_de_boletas_fija", {"customerId": 1}, "msisidn"),
    "number for a text": ("listado_de_boletas_fija", INVOICES | {"msisidn": 56987654321}, "msisidn"),
    "a line too many": ("listado_de_boletas_fija", INVOICES | {"msisidn": "56987654321\n"}, "msisidn"),
    "unknown": ("listado_de_boletas_fija", INVOICES | {"pageSize": 10}, "pageSize"),
    "the name that Python has for it": ("deuda_fija", {"customer_identification": "1"}, "customer_identification"),
    "empty": ("deuda_fija", DEBT | {"document": ""}, "document"),
    "object for a text": ("deuda_fija", DEBT | {"document": {"$ne": ""}}, "document"),
    "number for a bool": ("retrieve_invoice_link", LINK | {"isCyclicInvoice": 1}, "isCyclicInvoice"),
    "text for a bool": ("retrieve_invoice_link", LINK | {"isCyclicInvoice": "true"}, "isCyclicInvoice"),
    "pattern": ("retrieve_invoice_link", LINK | {"billingInvoiceNumber": "45829374-001"}, "billingInvoiceNumber"),
    "injection": ("retrieve_invoice_link", LINK | {"billingInvoiceNumber": "1_2_3&x=1"}, "billingInvoiceNumber"),
    "too long for a URL": ("retrieve_invoice_link", LINK | {"billingInvoiceNumber": f"1_2_{'3' * 70_000}"}, "too long"),
}


@pytest.mark.parametrize(("tool", "arguments", "named"), BAD.values(), ids=BAD)
async def test_bad_arguments_are_refused_by_name_before_anything_is_sent(door, upstream, tool, arguments, named):
    with pytest.raises(InvalidArguments) as raised:
        await door.client.call(tool, arguments)
    assert named in str(raised.value)
    assert str(raised.value).startswith("Nothing was sent: ")
    assert upstream.received == []

    result = await door.plain.call_tool(tool, arguments)
    assert result.is_error
    assert json.loads(result.content[0].text)["error"] == raised.value.to_dict()
    assert upstream.received == []


async def test_all_bad_arguments_are_told_at_once(in_process: Door):
    with pytest.raises(InvalidArguments) as raised:
        await in_process.client.call("deuda_fija", {"type": 1, "document": "", "extra": 1})
    for name in ("customerIdentification", "type", "document", "extra"):
        assert f"{name}: " in raised.value.message
    assert raised.value.hint == "The tool's arguments are: customerIdentification, type, document."


UNSENDABLE: dict[str, Any] = {
    "half a character": "\ud800",
    "an object": object(),
    "bytes": b"\xff",
    "not a number": float("nan"),
    "infinite": float("inf"),
}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE)
async def test_what_json_cannot_hold_is_refused_and_harms_no_other_call(door: Door, upstream: Upstream, value: Any):
    with pytest.raises(InvalidArguments, match="document"):
        await door.client.deuda_fija(customer_identification="1", type="RUT", document=value)
    assert upstream.received == []
    await door.client.call("listado_de_boletas_fija", INVOICES)


async def test_an_unknown_tool_is_refused(door: Door, upstream: Upstream):
    with pytest.raises(InvalidArguments, match="nothing_like_it"):
        await door.client.call("nothing_like_it", {})
    with pytest.raises(InvalidArguments):  # it is in the catalog, but not active
        await door.client.call("pago_en_linea", {"billingInvoiceNumber": "1_2_3", "amount": 1})
    assert upstream.received == []
