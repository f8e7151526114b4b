"""The flagship process's calls as steps of the bare engine: what durability costs before the orchestrator adds to it.

A program: `python -m benchmarks.engine_loop CUSTOMERS IN_FLIGHT FILE`. The engine's settings are the orchestrator's, on
a new SQLite file; the client is the typed one, with its server in this process, set up by the environment.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions
from pydantic import BaseModel, JsonValue

from benchmarks.billing_loop import customer
from mcp_codegen.orchestrator.durable import database, economy
from mcp_codegen.orchestrator.durable.transact import opening
from telefonica_mcp.client import TelefonicaClient

NAME = "bare-engine"
CHUNK = 100


async def main(customers: int, in_flight: int, file: str) -> None:
    """Bill the customers, each a workflow from a queue whose steps are the calls."""
    kept = database.connect(file)
    ended = asyncio.Event()
    left = customers
    DBOS(
        config={
            "name": NAME,
            "system_database_url": f"sqlite:///{file}",
            "system_database_engine": kept,
            "executor_id": NAME,
            "application_version": NAME,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": opening.THREADS,
            "log_level": "CRITICAL",
            "use_listen_notify": False,
        }
    )
    async with economy.kept(), TelefonicaClient.in_process() as client:

        @DBOS.workflow(name=NAME)
        async def bill(account: int, phone: str) -> None:
            nonlocal left
            listing = await _step(
                "invoices", lambda: client.listado_de_boletas_fija(customer_id=account, msisidn=phone)
            )
            found = next((each for each in listing["implInvoiceLists"] if each["invoiceStatusInd"] == "O"), None)
            if found is not None:
                words, number = str(found.get("documentType")).split(), found["billingInvoiceNumber"]
                cyclic = "CICLICA" in words and "NO" not in words
                await _step(
                    "link",
                    lambda: client.retrieve_invoice_link(billing_invoice_number=number, is_cyclic_invoice=cyclic),
                )
            rut = listing["customerRut"]
            await _step("debt", lambda: client.deuda_fija(customer_identification=rut, type="RUT", document=rut))
            left -= 1
            if not left:
                ended.set()

        DBOS.launch()
        await DBOS.register_queue_async(NAME, worker_concurrency=in_flight, polling_interval_sec=opening.POLL_SECONDS)
        engine = DBOSClient(system_database_engine=kept, serializer=DBOSPortableJSONSerializer(), application_name=NAME)
        for first in range(0, customers, CHUNK):
            await asyncio.to_thread(_enqueue, engine, kept, range(first, min(first + CHUNK, customers)))
        await ended.wait()
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=5)


async def _step(name: str, call: Callable[[], Awaitable[BaseModel]]) -> Any:  # noqa: ANN401 - JSON
    async def perform() -> JsonValue:
        plain: JsonValue = (await call()).model_dump(mode="json", by_alias=True, exclude_none=True)
        return plain

    return await DBOS.run_step_async({"name": name, "preemptible": True}, perform)


def _enqueue(engine: DBOSClient, kept: sa.Engine, numbers: range) -> None:
    with kept.begin() as connection:
        for number in numbers:
            options: EnqueueOptions = {"workflow_name": NAME, "queue_name": NAME, "workflow_id": str(number)}
            engine.enqueue_in_transaction(connection, options, *customer(number))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
