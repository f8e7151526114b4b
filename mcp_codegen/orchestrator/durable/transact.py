"""The durable engine: DBOS Transact behind the orchestrator's `Engine`. No other module imports dbos."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic

import sqlalchemy as sa
from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
    SetWorkflowID,
    WorkflowHandleAsync,
)
from dbos import error as dbos_error
from pydantic import JsonValue, TypeAdapter

from mcp_codegen.orchestrator import masking, values
from mcp_codegen.orchestrator.durable import definition, ledger
from mcp_codegen.orchestrator.engine import conduct, unstarted
from mcp_codegen.orchestrator.errors import MisuseError
from mcp_codegen.orchestrator.process import ClientT, InputT, OutputT, Process, Run
from mcp_codegen.orchestrator.record import Outcome, RunRecord, StepRecord, Stored
from mcp_codegen.orchestrator.retrying import Retry, persist

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""How often the queue is looked at; with so many in flight at a time, it bounds how many start in a second."""
THREADS = 8
STOPPED = asyncio.CancelledError
"""What ends a run in this process without ending the run: nothing is recorded, and it goes on elsewhere or later."""
BROKEN = frozenset({"server_lost"})
"""Codes of errors that tell of our own server, not of the run: it waits for the next server."""

Finished = Callable[[RunRecord], None]

_OUTCOME = TypeAdapter(Outcome)


@dataclass(kw_only=True)
class DurableEngine(Generic[ClientT, InputT, OutputT]):
    """Runs one process durably, with one client. Use `opened`."""

    database: sa.Engine
    process: Process[ClientT, InputT, OutputT]
    client: ClientT
    queue: str
    on_finish: Finished
    """Told of each run that ends in this process."""
    in_flight: set[str] = field(default_factory=set)
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server is lost: no run can go on until there is another."""
    _enqueuer: DBOSClient = field(init=False)

    async def start(
        self, process: Process[ClientT, InputT, OutputT], client: ClientT, given: InputT, *, run_id: str | None = None
    ) -> str:
        """Start a run; see `Engine`. Raises `MisuseError` for another process or client than the engine's own."""
        if process is not self.process or client is not self.client:
            raise MisuseError(f"this engine runs {self.process.name!r} with the client that it was given")
        run_id = run_id or str(uuid.uuid4())
        stored = values.model_data(given)

        def begin() -> None:
            ledger.add_single(self.database, run_id, process.name)
            with self.database.begin() as connection:
                self.enqueue(connection, run_id, stored)

        await asyncio.to_thread(begin)
        return run_id

    def enqueue(self, connection: sa.Connection, run_id: str, given: JsonValue, *, priority: int = 10) -> None:
        """Have a run started as soon as its turn comes; within the caller's transaction, from a thread."""
        options: EnqueueOptions = {
            "workflow_name": self.process.name,
            "queue_name": self.queue,
            "workflow_id": run_id,
            "priority": priority,
        }
        self._enqueuer.enqueue_in_transaction(connection, options, given)

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
        await DBOS.cancel_workflow_async(run_id)
        await asyncio.to_thread(ledger.cancel, self.database, [run_id])

    async def pause(self) -> None:
        """Start no more runs from the queue; those in flight go on."""
        queue = await DBOS.retrieve_queue_async(self.queue)
        if queue is not None:
            await queue.set_worker_concurrency_async(0)

    async def execute(self, given: JsonValue) -> JsonValue:
        """The workflow: the process's body between durable steps."""
        run_id = str(DBOS.workflow_id)
        if self.broken.is_set():
            raise STOPPED
        ended: list[BaseException] = []
        run = Run[OutputT](run_id, perform=lambda key, call, retry: self._perform(ended, key, call, retry))
        self.in_flight.add(run_id)
        try:
            read = values.read_model(self.process.input, given)
            record = _since_its_first_start(await conduct(self.process, self.client, read, run))
            if ended:
                raise ended[0]
            if record.status == "cancelled":  # this process ends, the run does not
                raise STOPPED
            await asyncio.to_thread(ledger.finish, self.database, record)
        finally:
            self.in_flight.discard(run_id)
        self.on_finish(record)
        plain: JsonValue = record.model_dump(mode="json")
        return plain

    async def _perform(
        self, ended: list[BaseException], key: str, call: Callable[[], Awaitable[Stored]], retry: Retry | None
    ) -> Outcome:
        """A step: what is recorded is its outcome, error or not; a step in flight when this process dies runs again."""
        mistakes: list[MisuseError] = []

        async def attempt() -> JsonValue:
            try:
                outcome = await persist(retry or self.process.retry, call)
            except MisuseError as mistake:
                mistakes.append(mistake)
                return None
            if outcome.error is not None and outcome.error.code in BROKEN:
                self.broken.set()
                ended.append(STOPPED())
                raise ended[0]
            plain: JsonValue = outcome.model_dump(mode="json")
            return plain

        try:
            stored = await DBOS.run_step_async({"name": key, "preemptible": True}, attempt)
        except (dbos_error.DBOSWorkflowCancelledError, dbos_error.DBOSWorkflowConflictIDError) as stop:
            ended.append(stop)
            raise
        except dbos_error.DBOSUnexpectedStepError as error:
            raise MisuseError(
                f"this run had come past another step where {key!r} stands now: the process has changed since, or "
                "the order of its steps depends on more than its input; `runs retry` starts it anew"
            ) from error
        if stored is None:
            raise mistakes[0] if mistakes else MisuseError(f"step {key!r} broke a rule when it ran first")
        return _OUTCOME.validate_python(stored)


def _since_its_first_start(record: RunRecord) -> RunRecord:
    """A run that went on in another process began with its first step."""
    started_at = min([record.started_at, *(step.timestamp for step in record.steps)])
    duration = round((record.finished_at - started_at).total_seconds(), 3)
    return record.model_copy(update={"started_at": started_at, "duration": max(record.duration, duration)})


@asynccontextmanager
async def opened(
    database: sa.Engine,
    process: Process[ClientT, InputT, OutputT],
    client: ClientT,
    *,
    executor: str,
    concurrency: int,
    on_finish: Finished = lambda record: None,
) -> AsyncIterator[DurableEngine[ClientT, InputT, OutputT]]:
    """An engine that first goes on with the runs that `executor` had in flight when it ended, however it ended.

    Two processes at a time must not use the same executor's name. It works on the queue of that name, with at most
    `concurrency` runs at a time.
    """
    _quiet()
    ledger.prepare(database)
    ledger.mark_personal(database, process.name, masking.names(process.input) | masking.names(process.output))
    config: DBOSConfig = {
        "name": application(process.name),
        "system_database_url": _shown_url(database),
        "system_database_engine": database,
        "executor_id": executor,
        "application_version": definition.version(process),
        "serializer": DBOSPortableJSONSerializer(),
        "max_executor_threads": THREADS,
        "log_level": "CRITICAL",
        "use_listen_notify": False,
    }
    DBOS(config=config)
    try:
        engine = DurableEngine(database=database, process=process, client=client, queue=executor, on_finish=on_finish)
        DBOS.workflow(name=process.name, max_recovery_attempts=None)(_plain(engine))
        DBOS.listen_queues([executor])
        DBOS.launch()
        await DBOS.set_latest_application_version_async(definition.version(process))
        await DBOS.register_queue_async(
            executor,
            worker_concurrency=concurrency,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )
        with enqueuing(database, process.name) as engine._enqueuer:
            yield engine
    finally:
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)


def _plain(engine: DurableEngine[Any, Any, Any]) -> Callable[[JsonValue], Awaitable[JsonValue]]:
    """DBOS registers functions, and takes a method's first argument for something of its own."""

    async def workflow(given: JsonValue) -> JsonValue:
        return await engine.execute(given)

    return workflow


def application(process: str) -> str:
    """Whose versions a process's are."""
    return f"process-{process}"


@contextmanager
def enqueuing(database: sa.Engine, process: str) -> Iterator[DBOSClient]:
    """A client of the engine's tables, which an engine has made before."""
    client = DBOSClient(
        system_database_engine=database,
        serializer=DBOSPortableJSONSerializer(),
        application_name=application(process),
    )
    try:
        yield client
    finally:
        client.destroy()


class History:
    """What the engine remembers of runs, and what may be done with them from outside of it."""

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        self._client = DBOSClient(system_database_engine=database, serializer=DBOSPortableJSONSerializer())

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()

    def records(self, run_ids: Sequence[str]) -> dict[str, RunRecord]:
        """The records of those runs that have ended, whole: `masking.masked` makes of each what may be shown."""
        found = self._client.list_workflows(workflow_ids=list(run_ids), status="SUCCESS", load_input=False)
        records = [RunRecord.model_validate(each.output) for each in found if each.output is not None]
        return {record.run_id: self._marked(record) for record in records}

    def given(self, run_id: str) -> dict[str, JsonValue]:
        """The input of a run, whole."""
        found = self._client.list_workflows(workflow_ids=[run_id], load_output=False)
        words = found[0].input["args"] if found and found[0].input else ()
        return words[0] if words and isinstance(words[0], dict) else {}

    def _marked(self, record: RunRecord) -> RunRecord:
        """With what the process marks as personal by now, too."""
        names = {*record.personal, *ledger.personal(self._database, record.process)}
        return record.model_copy(update={"personal": tuple(sorted(names))}) if names else record

    def states(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Of runs that have not ended: `queued`, `running` or `held`, out of the queue."""
        words = {"ENQUEUED": "queued", "DELAYED": "queued", "PENDING": "running", "CANCELLED": "held"}
        found = self._client.list_workflows(workflow_ids=list(run_ids), load_input=False, load_output=False)
        return {each.workflow_id: words[each.status] for each in found if each.status in words}

    def of_other_versions(self, batch: str, version: str) -> dict[str, str]:
        """Runs of a batch that are in the middle of another version of their process: run → version."""
        found = self._client.list_workflows(
            workflow_id_prefix=f"{batch}:", status=["PENDING", "ENQUEUED"], load_input=False, load_output=False
        )
        return {each.workflow_id: each.app_version for each in found if each.app_version not in (None, version)}

    def steps(self, run_id: str) -> list[StepRecord]:
        """The steps of a run that have ended, also where the run has not."""
        entries = []
        for number, step in enumerate(self._client.list_workflow_steps(run_id), 1):
            outcome = _OUTCOME.validate_python(step["output"])
            entries.append(
                StepRecord(
                    timestamp=outcome.started_at,
                    step=number,
                    key=step["function_name"],
                    title=step["function_name"],
                    status="error" if outcome.error else "success",
                    duration=outcome.duration,
                    attempts=outcome.attempts,
                    retried=outcome.retried,
                    data=outcome.value.data,
                    error=outcome.error,
                    personal=outcome.value.personal,
                )
            )
        return entries

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Stop runs that have not ended: at once where a step is in flight, or before they start."""
        self._client.cancel_workflows(list(run_ids))
        ledger.cancel(self._database, run_ids)

    def resume(self, run_id: str, queue: str) -> None:
        """Put a cancelled run back into its queue: it goes on after the last step that it had finished."""
        ledger.reopen(self._database, run_id)
        self._client.resume_workflow(run_id, queue_name=queue)

    def hold(self, run_ids: Sequence[str]) -> int:
        """Take those of the runs that wait for their turn out of their queue, until they are released; how many.

        The engine's own cancellation would also hit a run that starts at this moment, and lose its result.
        """
        engine = self._client._sys_db
        status = engine.tables.workflow_status
        waiting = sa.update(status).where(status.c.workflow_uuid.in_(run_ids), status.c.status == "ENQUEUED")
        with engine.engine.begin() as connection:
            return connection.execute(waiting.values(status="CANCELLED", queue_name=None)).rowcount

    def release(self, batch: str, queue: str) -> int:
        """Put the runs of a batch that are held back into their queue; how many they were."""
        found = self._client.list_workflows(
            workflow_id_prefix=f"{batch}:", status="CANCELLED", load_input=False, load_output=False
        )
        open_ones = ledger.still_open(self._database, [each.workflow_id for each in found])
        if open_ones:
            self._client.resume_workflows(open_ones, queue_name=queue)
        return len(open_ones)

    def forget(self, run_ids: Sequence[str]) -> None:
        """Remove runs that have ended: their inputs, steps and results."""
        self._client.delete_workflows(list(run_ids))

    def _fork(self, row: sa.Row[Any], version: str, queue: str) -> None:
        """Begin a run that takes over the first steps of another."""
        first = self._number(row.forked_from, row.again_from)
        with SetWorkflowID(row.run_id):
            self._client.fork_workflow(row.forked_from, first, application_version=version, queue_name=queue)

    def _number(self, run_id: str, step: str) -> int:
        """The engine's number of a step; the first where the run has none of that key."""
        steps = self._client.list_workflow_steps(run_id)
        return next((each["function_id"] for each in steps if each["function_name"] == step), 1)

    def go_on(self, batch: str, version: str) -> None:
        """Put the runs of a batch that are to be retried back into its queue, under their ids and keys.

        Each goes on with the step that is noted, under this version of the process, or starts anew where none is.
        """
        for row in ledger.reopened(self._database, batch):
            known = self._client.list_workflows(workflow_ids=[row.run_id], load_input=False, load_output=False)
            first = self._number(row.run_id, row.again_from)
            if row.forked_from is not None and not known:
                self._fork(row, version, batch)
            elif self.states([row.run_id]).get(row.run_id, "ended") in ("ended", "held"):  # else a kill came between
                self._client.rewind_workflow(
                    row.run_id, start_step=first, application_version=version, queue_name=batch
                )
            ledger.went_on(self._database, row.run_id)


def _quiet() -> None:
    """The engine's own log would tell of its ways on standard error; --debug shows it."""
    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger("dbos").setLevel(logging.CRITICAL)


def _shown_url(database: sa.Engine) -> str:
    """The engine wants a URL beside the connections that it is given, to tell the kind of database."""
    if database.dialect.name == "sqlite":
        return f"sqlite:///{database.url.database}"
    return database.url.render_as_string(hide_password=True)


@contextmanager
def history(database: sa.Engine) -> Iterator[History | None]:
    """The engine's memory; None in a database that no engine has worked on."""
    schema = None if database.dialect.name == "sqlite" else "dbos"
    if not sa.inspect(database).has_table("workflow_status", schema=schema):
        yield None
        return
    kept = History(database)
    try:
        yield kept
    finally:
        kept.close()
