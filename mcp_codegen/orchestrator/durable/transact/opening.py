"""Opens the engine in this process: one process's runs, from one queue."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from pydantic import JsonValue

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.durable import ledger, presence, queues, workers
from mcp_codegen.orchestrator.durable.queues import Rate
from mcp_codegen.orchestrator.durable.transact import duties, steps
from mcp_codegen.orchestrator.durable.transact.engine import DurableEngine, Finished, Places
from mcp_codegen.orchestrator.durable.transact.recorded import Recorded, trust
from mcp_codegen.orchestrator.durable.transact.submission import application, submitting
from mcp_codegen.orchestrator.process import ClientT, InputT, OutputT, Process

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""How often the queue is looked at; with so many in flight at a time, it bounds how many start in a second."""
THREADS = 8
"""That statements wait in; by default Python makes as many as the processors that it sees: see `processors`."""
RECOVERIES = 5
"""How often a run is begun anew because the process that it was in died; then the run is taken for the cause."""


@asynccontextmanager
async def opened(
    database: sa.Engine,
    process: Process[ClientT, InputT, OutputT],
    client: ClientT,
    *,
    concurrency: int,
    executor: str | None = None,
    mock: bool = False,
    start_rate: Rate | None = None,
    recovery_seconds: float = presence.RECOVERY_SECONDS,
    on_finish: Finished = lambda record: None,
) -> AsyncIterator[DurableEngine[ClientT, InputT, OutputT]]:
    """An engine that works on the process's queue, with at most `concurrency` runs in flight, until the block ends.

    What is in flight then is handed back: other workers go on with it, or the next engine. With the name of an
    executor, it first takes up what the last process of that name left when it died; the caller sees to it that no
    other process has the name meanwhile. `start_rate` holds for all engines of the queue together, each of which has
    to be given it. Within `recovery_seconds` after a death others go on with the runs of the dead.
    """
    queue, version = queues.name(process.name, mock=mock), queues.version(process, mock=mock)
    session = uuid.uuid4().hex
    worker = workers.Worker(
        executor=executor or f"{queue}-{session}",
        session=session,
        queue=queue,
        version=version,
        place=f"{socket.gethostname()}:{os.getpid()}",
    )
    ledger.prepare(database)
    ledger.mark_personal(database, process.name, masking.names(process.input) | masking.names(process.output))
    places = Places(concurrency)
    with submitting(database, process.name, queue) as submitter:
        tend = duties.tending(database, worker, process, places)
        with presence.kept_up(database, worker, tend, recovery_seconds=recovery_seconds) as present:
            engine = DurableEngine(
                database=database,
                process=process,
                client=client,
                queue=queue,
                submitter=submitter,
                presence=present,
                places=places,
                on_finish=on_finish,
            )
            try:
                await asyncio.to_thread(duties.inherit, database, worker, places)
                await launch(
                    database,
                    worker,
                    process.name,
                    _plain(engine),
                    places,
                    recorded=engine.recorded,
                    start_rate=start_rate,
                )
                await asyncio.to_thread(tend)
                yield engine
            finally:
                engine.pause()
                await engine.drop()
                await close(database, worker, present)


async def close(database: sa.Engine, worker: workers.Worker, present: presence.Presence) -> None:
    """End the engine in this process, and hand back what its worker holds."""

    def end() -> None:
        DBOS.destroy(destroy_registry=True)
        duties.hand_back(database, worker)
        present.over.set()
        workers.leave(database, worker)

    await asyncio.to_thread(end)
    # The engine had put its own threads in the place of the loop's, and has ended them.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))


async def launch(
    database: sa.Engine,
    worker: workers.Worker,
    name: str,
    workflow: Callable[[str], Awaitable[None]] | Callable[[JsonValue], Awaitable[JsonValue]],
    places: Places,
    *,
    recorded: Recorded | None = None,
    start_rate: Rate | None = None,
) -> None:
    """Have the engine run one workflow in this process, from the worker's queue."""
    _quiet()
    config: DBOSConfig = {
        "name": application(worker.queue),
        "system_database_url": _shown_url(database),
        "system_database_engine": database,
        "executor_id": worker.executor,
        "application_version": worker.version,
        "serializer": DBOSPortableJSONSerializer(),
        "max_executor_threads": THREADS,
        "log_level": "CRITICAL",
        "use_listen_notify": False,
    }
    instance = DBOS(config=config)
    DBOS.workflow(name=name, max_recovery_attempts=RECOVERIES)(workflow)
    DBOS.listen_queues([worker.queue])
    DBOS.launch()
    steps.shorten(instance)
    if recorded is not None:
        trust(instance, recorded)
    # The numbers in the table are those of nobody, so that no run is taken before the queue is localized.
    await DBOS.register_queue_async(
        worker.queue, worker_concurrency=0, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
    )
    _localize(instance, places, start_rate)


def _localize(instance: DBOS, places: Places, start_rate: Rate | None) -> None:
    """Have the queue's limits be this process's own.

    The engine keeps them in a table and reads them before each look at the queue: one process could neither have other
    limits than the others nor stop taking runs alone. It has no setting for that. Here the row is read once.
    """
    system = instance._sys_db
    read = system.get_queue
    found: dict[str, Any] = {}

    def get_queue(name: str, **others: Any) -> Any:  # noqa: ANN401 - the engine's own
        queue = found.get(name) or read(name, **others)
        if queue is not None:
            found[name] = queue
            queue._worker_concurrency = places.open
            queue._limiter = {"limit": start_rate.count, "period": start_rate.seconds} if start_rate else None
        return queue

    system.get_queue = get_queue  # type: ignore[method-assign]


def _plain(engine: DurableEngine[Any, Any, Any]) -> Callable[[JsonValue], Awaitable[JsonValue]]:
    """DBOS registers functions, and takes a method's first argument for something of its own."""

    async def workflow(given: JsonValue) -> JsonValue:
        return await engine.execute(given)

    return workflow


def _quiet() -> None:
    """The engine's own log would tell of its ways on standard error; --debug shows it."""
    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger("dbos").setLevel(logging.CRITICAL)


def _shown_url(database: sa.Engine) -> str:
    """The engine wants a URL beside the connections that it is given, to tell the kind of database."""
    if database.dialect.name == "sqlite":
        return f"sqlite:///{database.url.database}"
    return database.url.render_as_string(hide_password=True)
