"""Work of our own that the engine queues: short, each piece under an id that it is done once under."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from dbos import DBOS

from mcp_codegen.orchestrator.durable import ledger, presence, workers
from mcp_codegen.orchestrator.durable.transact import duties
from mcp_codegen.orchestrator.durable.transact.engine import Places
from mcp_codegen.orchestrator.durable.transact.opening import close, launch
from mcp_codegen.orchestrator.durable.transact.submission import Submitter, submitting

VERSION = "errands-1"
"""Any of our versions can do what another has queued."""
REMEMBERED_SECONDS = 3600.0
"""For so long the engine remembers what is done."""
CHUNK = 500


class Errands:
    """A queue of errands. Use `errands`."""

    def __init__(self, submitter: Submitter, places: Places) -> None:
        self._submitter = submitter
        self._places = places
        self.in_flight = set[asyncio.Task[object]]()

    def put(self, connection: sa.Connection, errand: str) -> None:
        """Queue an errand, within the caller's transaction, from a thread; what was queued before is not again."""
        self._submitter.enqueue(connection, f"{self._submitter.queue}:{errand}", errand)

    def forget(self, seconds: float = REMEMBERED_SECONDS) -> None:
        """Have the engine forget errands that ended so long ago. For a thread."""
        before = datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()
        while ended := DBOS.list_workflows(
            name=self._submitter.queue,
            status=["SUCCESS", "ERROR"],
            completed_before=before,
            limit=CHUNK,
            load_input=False,
            load_output=False,
        ):
            DBOS.delete_workflows([each.workflow_id for each in ended])

    async def stop(self, seconds: float) -> None:
        """Take no more, and wait until those in flight have ended, so long at most."""
        self._places.count = 0
        if self.in_flight:
            await asyncio.wait(list(self.in_flight), timeout=seconds)


@asynccontextmanager
async def errands(
    database: sa.Engine,
    queue: str,
    perform: Callable[[str], Awaitable[None]],
    *,
    concurrency: int,
    recovery_seconds: float = presence.RECOVERY_SECONDS,
) -> AsyncIterator[Errands]:
    """Work on a queue of errands until the block ends, with any number of other processes.

    What is in flight then, or when a process dies, is performed again from its start by another: at least once.
    """
    session = uuid.uuid4().hex
    place = f"{socket.gethostname()}:{os.getpid()}"
    worker = workers.Worker(executor=f"{queue}-{session}", session=session, queue=queue, version=VERSION, place=place)
    places = Places(concurrency)
    ledger.prepare(database)
    with submitting(database, queue, queue) as submitter:
        working = Errands(submitter, places)

        async def workflow(errand: str) -> None:
            task = asyncio.current_task()
            if task is not None:
                working.in_flight.add(task)
                task.add_done_callback(working.in_flight.discard)
            await DBOS.run_step_async({"name": "perform"}, once, errand)

        async def once(errand: str) -> None:
            await present.certain()  # who stood still may find that others have its errands
            await perform(errand)

        def tend() -> None:
            workers.bury(database, worker)
            living = workers.living(database, queue)
            if [row.executor for row in living][:1] == [worker.executor]:
                duties.recover(database, worker)

        with presence.kept_up(database, worker, tend, recovery_seconds=recovery_seconds) as present:
            try:
                await launch(database, worker, queue, workflow, places)
                await asyncio.to_thread(tend)
                yield working
            finally:
                await close(database, worker, present)
