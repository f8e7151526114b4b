"""The generated client: typed answers, calls without a client, many calls at once, errors."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import inspect
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import MISSING

from telefonica_mcp import client as generated
from telefonica_mcp import errors
from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import ApiError, NotConfigured
from telefonica_mcp.models.telefonica import DeudaFijaResult, Invoice, ListadoDeBoletasFijaResult
from tests.runtime import answers
from tests.runtime.answers import changed, fixed
from tests.runtime.doors import (
    INVOICES,
    Door,
    eventually,
    settings,
)
from tests.runtime.upstream import Peer, Received, Upstream, ok

pytestmark = pytest.mark.anyio


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
        await eventually(lambda: upstream.left >= 1)
    upstream.answer = ok
    await door.client.call("listado_de_boletas_fija", INVOICES)


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
