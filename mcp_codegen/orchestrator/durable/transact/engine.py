"""The durable engine: DBOS Transact behind the orchestrator's `Engine`. No other module imports dbos."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic

import sqlalchemy as sa
from dbos import DBOS, WorkflowHandleAsync
from dbos import error as dbos_error
from pydantic import JsonValue, TypeAdapter
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from mcp_codegen.orchestrator import values
from mcp_codegen.orchestrator.durable import database, ledger, origins
from mcp_codegen.orchestrator.durable.presence import Presence
from mcp_codegen.orchestrator.durable.queues import Priority
from mcp_codegen.orchestrator.durable.transact.recorded import Recorded
from mcp_codegen.orchestrator.durable.transact.submission import Submitter
from mcp_codegen.orchestrator.engine import conduct, unstarted
from mcp_codegen.orchestrator.errors import MisuseError
from mcp_codegen.orchestrator.process import ClientT, InputT, OutputT, Process, Run
from mcp_codegen.orchestrator.record import Outcome, RunRecord, Stored
from mcp_codegen.orchestrator.retrying import Retry, persist
from mcp_codegen.orchestrator.telemetry import metering, observing, tracing

logger = logging.getLogger(__name__)

STOPPED = asyncio.CancelledError
"""What ends a run in this process without ending the run: nothing is recorded, and it goes on elsewhere or later."""
BROKEN = frozenset({"server_lost"})
"""Codes of errors that tell of our own server, not of the run: it waits for the next server."""

AGAIN_SECONDS = 1.0
"""How long the database is left alone when it did not answer."""
DROP_SECONDS = 5.0
"""How long runs that are stopped may take to stop."""

Finished = Callable[[RunRecord], None]

_OUTCOME = TypeAdapter(Outcome)


@dataclass(slots=True)
class Places:
    """How many runs this process may have in flight at a time."""

    count: int
    alone: bool = False
    """Whether it takes one at a time for now, since one of those that wait may end its process; see `losses`."""

    @property
    def open(self) -> int:
        """So many for now."""
        return min(self.count, 1) if self.alone else self.count


@dataclass(kw_only=True)
class DurableEngine(Generic[ClientT, InputT, OutputT]):
    """Runs one process durably, with one client. Use `opened`."""

    database: sa.Engine
    process: Process[ClientT, InputT, OutputT]
    client: ClientT
    queue: str
    submitter: Submitter
    presence: Presence
    places: Places
    on_finish: Finished
    """Told of each run that ends in this process."""
    recorded: Recorded = field(default_factory=Recorded)
    in_flight: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    paused: bool = False
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when no run can go on here: the server is lost, or the database takes nothing."""
    problem: SQLAlchemyError | None = None
    """What the database said, where it is that."""

    async def start(
        self,
        process: Process[ClientT, InputT, OutputT],
        client: ClientT,
        given: InputT,
        *,
        run_id: str | None = None,
        priority: Priority = "normal",
    ) -> str:
        """Start a run; see `Engine`. Raises `MisuseError` for another process or client than the engine's own."""
        if process is not self.process or client is not self.client:
            raise MisuseError(f"this engine runs {self.process.name!r} with the client that it was given")
        run_id = run_id or str(uuid.uuid4())
        stored = values.model_data(given)

        def begin() -> None:
            ledger.add_single(self.database, run_id, process.name, queue=self.queue)
            with self.database.begin() as connection:
                self.submitter.enqueue(connection, run_id, stored, priority=priority)

        await asyncio.to_thread(begin)
        return run_id

    async def wait(self, run_id: str) -> RunRecord:
        """The record of a run; see `Engine`."""
        handle: WorkflowHandleAsync[Any] = await DBOS.retrieve_workflow_async(run_id)
        try:
            return RunRecord.model_validate(await handle.get_result())
        except dbos_error.DBOSException as error:
            given = self.process.input.model_construct()
            cause = asyncio.CancelledError() if "cancel" in type(error).__name__.lower() else error
            return unstarted(self.process, given, cause).model_copy(update={"run_id": run_id, "input": {}})

    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop; see `Engine`."""
        self.recorded.doubt(run_id)
        if await asyncio.to_thread(ledger.cancel, self.database, [run_id]):
            await DBOS.cancel_workflow_async(run_id)

    def pause(self) -> None:
        """Take no more runs from the queue into this process; those in flight go on, and other workers too."""
        self.places.count = 0
        self.paused = True

    async def quiet(self, seconds: float) -> None:
        """Wait until no run is in flight here, so long at most."""
        if self.in_flight:
            await asyncio.wait(list(self.in_flight.values()), timeout=seconds)

    async def drop(self) -> None:
        """Stop the runs in flight here, where they are; they have not ended, and whoever takes them goes on."""
        tasks = list(self.in_flight.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=DROP_SECONDS)

    async def execute(self, given: JsonValue) -> JsonValue:
        """The workflow: the process's body between durable steps."""
        run_id = str(DBOS.workflow_id)
        if self.broken.is_set() or self.paused:  # it was taken just before the pause: whoever goes on begins it
            raise STOPPED
        ended: list[BaseException] = []
        run = Run[OutputT](run_id, perform=lambda key, call, retry: self._perform(ended, key, call, retry))
        if (task := asyncio.current_task()) is not None:
            self.in_flight[run_id] = task
        try:
            read = values.read_model(self.process.input, given)
            origin = await asyncio.to_thread(origins.find, self.database, run_id) if tracing.recorded() else None
            with tracing.run(self.process.name, run_id, origin) as span, metering.in_flight(self.process.name):
                record = _since_its_first_start(await conduct(self.process, self.client, read, run))
                if ended:
                    raise ended[0]
                if record.status == "cancelled":  # this process ends, the run does not
                    raise STOPPED
                if not await self._note(record):
                    raise STOPPED
                observing.run_ended(record, span)
        finally:
            if self.in_flight.get(run_id) is task:  # it may have been resumed before it stopped
                del self.in_flight[run_id]
            self.recorded.forget(run_id)
        self.on_finish(record)
        plain: JsonValue = record.model_dump(mode="json")
        return plain

    async def _note(self, record: RunRecord) -> bool:
        """Note how a run ended, where it was not cancelled; where the database is away, as soon as it answers again."""
        while True:
            try:
                return await asyncio.to_thread(ledger.finish, self.database, record)
            except (DataError, IntegrityError, ProgrammingError):  # it is this record that cannot be noted
                raise
            except SQLAlchemyError as error:
                logger.debug("the end of %s cannot be noted yet", record.run_id, exc_info=True)
                if not database.away(error):
                    raise self._break_off(error) from error
                await asyncio.sleep(AGAIN_SECONDS)

    def _break_off(self, error: SQLAlchemyError) -> BaseException:
        """Stop where the database takes nothing: no run has failed for that, and each goes on with its step later."""
        self.problem = self.problem or error
        self.broken.set()
        return STOPPED()

    async def _perform(
        self, ended: list[BaseException], key: str, call: Callable[[], Awaitable[Stored]], retry: Retry | None
    ) -> Outcome:
        """A step: what is recorded is its outcome, error or not; a step in flight when this process dies runs again."""
        mistakes: list[MisuseError] = []
        run_id = str(DBOS.workflow_id)
        done = 0.0

        async def once() -> Stored:
            await self.presence.certain()
            return await call()

        async def attempt() -> JsonValue:
            nonlocal done
            try:
                outcome = await observing.step(
                    self.process.name, run_id, key, lambda: persist(retry or self.process.retry, once)
                )
            except MisuseError as mistake:
                mistakes.append(mistake)
                return None
            if outcome.error is not None and outcome.error.code in BROKEN:
                self.broken.set()
                ended.append(STOPPED())
                raise ended[0]
            plain: JsonValue = outcome.model_dump(mode="json")
            done = time.monotonic()
            return plain

        try:
            stored = await DBOS.run_step_async({"name": key, "preemptible": True}, attempt)
            self.recorded.renew(run_id, done)
        except (dbos_error.DBOSWorkflowCancelledError, dbos_error.DBOSWorkflowConflictIDError) as stop:
            ended.append(stop)
            raise
        except dbos_error.DBOSUnexpectedStepError as error:
            raise MisuseError(
                f"this run had come past another step where {key!r} stands now: the process has changed since, or "
                "the order of its steps depends on more than its input; `runs retry` starts it anew"
            ) from error
        except SQLAlchemyError as error:  # the step's own errors are in its outcome: this one is how that was recorded
            ended.append(self._break_off(error))
            raise ended[0] from error
        if stored is None:
            raise mistakes[0] if mistakes else MisuseError(f"step {key!r} broke a rule when it ran first")
        return _OUTCOME.validate_python(stored)


def _since_its_first_start(record: RunRecord) -> RunRecord:
    """A run that went on in another process began with its first step."""
    started_at = min([record.started_at, *(step.timestamp for step in record.steps)])
    duration = round((record.finished_at - started_at).total_seconds(), 3)
    return record.model_copy(update={"started_at": started_at, "duration": max(record.duration, duration)})
