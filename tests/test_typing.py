"""The generated client's promises to a type checker: `make check` runs mypy --strict over this file."""

from __future__ import annotations

import datetime as dt
import inspect
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, assert_type

from pydantic import MISSING

from telefonica_mcp.client import (
    TelefonicaClient,
    call_deuda_fija,
    call_listado_de_boletas_fija,
    call_retrieve_invoice_link,
)
from telefonica_mcp.errors import ApiError, NotFound, UpstreamError
from telefonica_mcp.models.telefonica import (
    DeudaFijaResult,
    DeudaFijaResultDebts,
    Invoice,
    ListadoDeBoletasFijaResult,
    RetrieveInvoiceLinkResult,
)
from telefonica_mcp.runtime.tooling import ApiServer
from telefonica_mcp.server import create_server


async def methods_take_and_give_types(client: TelefonicaClient) -> None:
    debt = await client.deuda_fija(customer_identification="198765432", type="RUT", document="198765432")
    assert_type(debt, DeudaFijaResult)
    listing = await client.listado_de_boletas_fija(customer_id=45829374, msisidn="56987654321")
    assert_type(listing, ListadoDeBoletasFijaResult)
    link = await client.retrieve_invoice_link(billing_invoice_number="523_47_682957384", is_cyclic_invoice=True)
    assert_type(link, RetrieveInvoiceLinkResult)

    assert_type(listing.customer_id, int)
    assert_type(listing.impl_invoice_lists, list[Invoice])
    assert_type(listing.impl_invoice_lists[0].invoice_amount, int)
    assert_type(listing.impl_invoice_lists[0].invoice_status_ind, Literal["O", "P"] | str)
    assert_type(link.invoice_link, str)
    if debt.debts is not MISSING and debt.debts is not None:
        assert_type(debt.debts, list[DeudaFijaResultDebts])
    if isinstance(link.expires_at, dt.datetime):
        assert_type(link.expires_at, dt.datetime)

    assert_type(await client.call("deuda_fija", {"type": "RUT"}), dict[str, Any])


async def wrong_calls_are_refused(client: TelefonicaClient) -> None:
    await client.listado_de_boletas_fija(customer_id="45829374", msisidn="56987654321")  # type: ignore[arg-type]
    await client.listado_de_boletas_fija(customer_id=45829374)  # type: ignore[call-arg]
    await client.listado_de_boletas_fija(45829374, "56987654321")  # type: ignore[call-arg]
    await client.listado_de_boletas_fija(customerId=45829374, msisidn="5")  # type: ignore[call-arg]
    await client.pago_en_linea(amount=1)  # type: ignore[attr-defined]
    await call_retrieve_invoice_link("523_47_682957384", isCyclicInvoice="yes")  # type: ignore[arg-type]


async def ways_to_open_it() -> None:
    opened = TelefonicaClient.launch()
    assert_type(opened, AbstractAsyncContextManager[TelefonicaClient])
    assert_type(TelefonicaClient.in_process({"API_BASE_URL": "x"}), AbstractAsyncContextManager[TelefonicaClient])
    async with TelefonicaClient.launch({"API_BASE_URL": "x"}, connect_timeout=5, read_timeout=60) as client:
        assert_type(client, TelefonicaClient)
    async with TelefonicaClient.connect("http://127.0.0.1:8000/mcp", connect_timeout=5) as client:
        assert_type(client, TelefonicaClient)
    async with TelefonicaClient.connect(create_server({})) as client:
        assert_type(client, TelefonicaClient)


async def one_shot_functions_give_dicts() -> None:
    assert_type(await call_deuda_fija("198765432", type="RUT", document="1"), dict[str, Any])
    assert_type(await call_listado_de_boletas_fija(customerId=45829374, msisidn="56987654321"), dict[str, Any])
    assert_type(await call_retrieve_invoice_link("523_47_682957384", True), dict[str, Any])


async def errors_tell_what_happened(client: TelefonicaClient) -> None:
    try:
        await client.deuda_fija(customer_identification="1", type="RUT", document="1")
    except NotFound as error:
        assert_type(error.status, int | None)
    except UpstreamError as error:
        assert_type(error.retry_after, float | None)
        assert_type(error.upstream_code, str)
        assert_type(error.upstream_reason, str)
        assert_type(error.upstream_message, str)
    except ApiError as error:
        assert_type(error.code, str)
        assert_type(error.retryable, bool)
        assert_type(error.hint, str)
        assert_type(error.to_dict(), dict[str, Any])


def test_what_the_types_promise_is_what_runs() -> None:
    assert isinstance(create_server({}), ApiServer)
    for method in ("deuda_fija", "listado_de_boletas_fija", "retrieve_invoice_link"):
        parameters = list(inspect.signature(getattr(TelefonicaClient, method)).parameters.values())[1:]
        assert {each.kind for each in parameters} == {inspect.Parameter.KEYWORD_ONLY}
        assert inspect.iscoroutinefunction(getattr(TelefonicaClient, method))
    assert issubclass(NotFound, UpstreamError)
    assert issubclass(UpstreamError, ApiError)
