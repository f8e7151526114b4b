"""The flagship process's calls for many customers, in a plain asyncio loop: what durability is compared with.

A program: `python -m benchmarks.billing_loop WAY CUSTOMERS IN_FLIGHT`. `httpx` and `aiohttp` are raw requests, over
httpx's own connections and over those that generated servers use; `in-process` and `stdio` are the typed client. The
server's settings are in the environment.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx

FIRST: Final = 45_829_374
CLIENTS: Final = "/obp/pdd/ods/mobile/v1/api/clients"

Bill = Callable[[int, str], Awaitable[None]]
"""The calls for one customer: the account, the phone number."""


def customer(number: int) -> tuple[int, str]:
    """The account and the phone number of the nth customer."""
    return FIRST + number, f"5698{number:07}"


async def run(bill: Bill, customers: int, in_flight: int) -> None:
    """Bill so many customers, so many at a time."""
    waiting = iter(range(customers))

    async def work() -> None:
        for number in waiting:
            await bill(*customer(number))

    await asyncio.gather(*(work() for _ in range(in_flight)))


async def raw(http: httpx.AsyncClient, environ: Mapping[str, str], customers: int, in_flight: int) -> None:
    """Requests and JSON, and nothing else."""
    apim, direct = environ["APIM_BASE_URL"] + CLIENTS, environ["API_BASE_URL"]
    key = {"Ocp-Apim-Subscription-Key": environ["APIM_SUBSCRIPTION_KEY"]}
    token = {"Authorization": f"Bearer {environ['BEARER_TOKEN']}"}

    async def ask(method: str, url: str, headers: Mapping[str, str], **given: Any) -> Any:  # noqa: ANN401 - JSON
        answer = await http.request(method, url, headers=headers, **given)
        return answer.raise_for_status().json()

    async def bill(account: int, phone: str) -> None:
        asked = {"customerId": account, "msisidn": phone}
        listing = await ask("POST", f"{apim}/GetListInvoices", key, json=asked)
        found = next((each for each in listing["implInvoiceLists"] if each["invoiceStatusInd"] == "O"), None)
        if found is not None:
            words = found.get("documentType", "").split()
            cyclic = "CICLICA" in words and "NO" not in words
            query = {"billingInvoiceNumber": found["billingInvoiceNumber"], "isCyclicInvoice": str(cyclic).lower()}
            await ask("GET", f"{apim}/RetrieveInvoiceLink", key, params=query)
        rut = listing["customerRut"]
        debt = {"customerIdentification": rut, "type": "RUT", "document": rut}
        await ask("POST", f"{direct}/api/debt/fixed", token, json=debt)

    async with http:
        await run(bill, customers, in_flight)


async def typed(server: str, customers: int, in_flight: int) -> None:
    """The typed client, which calls the MCP server in this process or in a child."""
    from telefonica_mcp.client import TelefonicaClient  # noqa: PLC0415 - raw requests do not pay for it

    opening = TelefonicaClient.launch() if server == "stdio" else TelefonicaClient.in_process()
    async with opening as client:

        async def bill(account: int, phone: str) -> None:
            listing = await client.listado_de_boletas_fija(customer_id=account, msisidn=phone)
            found = next((each for each in listing.impl_invoice_lists if each.invoice_status_ind == "O"), None)
            if found is not None:
                words = str(found.document_type).split()
                await client.retrieve_invoice_link(
                    billing_invoice_number=found.billing_invoice_number,
                    is_cyclic_invoice="CICLICA" in words and "NO" not in words,
                )
            rut = listing.customer_rut
            await client.deuda_fija(customer_identification=rut, type="RUT", document=rut)

        await run(bill, customers, in_flight)


async def main(way: str, customers: int, in_flight: int) -> None:
    """Bill the customers in one of the ways."""
    if way == "httpx":
        await raw(httpx.AsyncClient(), os.environ, customers, in_flight)
    elif way == "aiohttp":
        from telefonica_mcp.runtime import transport  # noqa: PLC0415 - the other ways do not pay for it

        ours = transport.AiohttpTransport(connections=transport.CONNECTIONS, connect_timeout=transport.CONNECT_TIMEOUT)
        await raw(httpx.AsyncClient(transport=ours), os.environ, customers, in_flight)
    else:
        await typed(way, customers, in_flight)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
