"""What the engine remembers of runs, and what may be done with them from outside of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus
from pydantic import JsonValue, TypeAdapter

from mcp_codegen.orchestrator.durable import ledger
from mcp_codegen.orchestrator.durable.transact.submission import prepared
from mcp_codegen.orchestrator.durable.workers import Worker
from mcp_codegen.orchestrator.process import Process
from mcp_codegen.orchestrator.record import ErrorRecord, Outcome, RunRecord, StepRecord

GIVEN_UP = {
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": ErrorRecord(
        code="worker_lost",
        message="again and again the process that it was in died, or was killed, while it was in flight",
        hint="look into the workers' logs and at their memory; `runs retry` starts it again",
    ),
    "ERROR": ErrorRecord(
        code="unexpected",
        message="it ended outside of its process's code: its input could not be read, or its end not be noted",
        hint="a worker with --debug tells why; `runs retry` starts it again",
    ),
}
"""The engine's words for runs that it begins no more, and what is recorded of them."""

_OUTCOME = TypeAdapter(Outcome)


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
        if not run_ids:  # the engine takes none for all
            return {}
        found = self._client.list_workflows(workflow_ids=list(run_ids), status="SUCCESS", load_input=False)
        dead = self._client.list_workflows(workflow_ids=list(run_ids), status=[*GIVEN_UP])
        records = [RunRecord.model_validate(each.output) for each in found if each.output is not None]
        records += [self._lost(each) for each in dead]
        marked = {process: ledger.personal(self._database, process) for process in {each.process for each in records}}
        return {record.run_id: _marked(record, marked[record.process]) for record in records}

    def given(self, run_id: str) -> dict[str, JsonValue]:
        """The input of a run, whole."""
        found = self._client.list_workflows(workflow_ids=[run_id], load_output=False)
        words = found[0].input["args"] if found and found[0].input else ()
        return words[0] if words and isinstance(words[0], dict) else {}

    def states(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Of runs that have not ended: `queued`, `running` or, out of the queue of a batch that was stopped, `held`."""
        if not run_ids:
            return {}
        words = {"ENQUEUED": "queued", "DELAYED": "queued", "PENDING": "running", "CANCELLED": "held"}
        system = self._client._sys_db
        status = system.tables.workflow_status
        query = sa.select(status.c.workflow_uuid, status.c.status).where(status.c.workflow_uuid.in_(run_ids))
        with system.engine.connect() as connection:  # the engine's own listing reads thirty columns of each
            return {run_id: words[word] for run_id, word in connection.execute(query) if word in words}

    def waiting(self) -> list[tuple[str, int, int, int]]:
        """The runs that wait for their turn: queue, number of the priority, how many, since when the oldest (ms)."""
        system = self._client._sys_db
        status = system.tables.workflow_status
        columns = (status.c.queue_name, status.c.priority)
        query = sa.select(*columns, sa.func.count(), sa.func.min(status.c.created_at)).group_by(*columns)
        query = query.where(status.c.status.in_(("ENQUEUED", "DELAYED")), status.c.queue_name.is_not(None))
        with system.engine.connect() as connection:
            return [(queue, turn, many, since) for queue, turn, many, since in connection.execute(query)]

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

    def cancel(self, run_ids: Sequence[str]) -> list[str]:
        """Stop runs that have not ended: at once where a step is in flight, or before they start.

        Which of them are cancelled then, those of before among them: one that ends at this moment keeps its result.
        """
        cancelled = ledger.cancel(self._database, run_ids)
        for start_at in range(0, len(cancelled), ledger.PAGE):
            self._client.cancel_workflows(cancelled[start_at : start_at + ledger.PAGE])
        return cancelled

    def resume(self, run_id: str) -> None:
        """Put a cancelled run back into its queue: it goes on after the last step that it had finished."""
        row = ledger.find_run(self._database, run_id)
        if row is not None:
            ledger.reopen(self._database, run_id)
            self._client.resume_workflow(run_id, queue_name=row.queue)

    def hold(self, run_ids: Sequence[str]) -> int:
        """Take those of the runs that wait for their turn out of their queue, until they are released; how many.

        The engine's own cancellation would also hit a run that starts at this moment, and lose its result.
        """
        system = self._client._sys_db
        status = system.tables.workflow_status
        waiting = sa.update(status).where(status.c.workflow_uuid.in_(run_ids), status.c.status == "ENQUEUED")
        with system.engine.begin() as connection:
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

    def held(self, worker: Worker) -> list[str]:
        """The runs that the engine takes for in flight under a worker's name."""
        found = self._client.list_workflows(
            status="PENDING", executor_id=worker.executor, load_input=False, load_output=False
        )
        return [each.workflow_id for each in found]

    def at_work(self, run_ids: Sequence[str], version: str) -> bool:
        """Whether one of the runs waits for a worker of this version, or is in flight in one."""
        found = self._client.list_workflows(
            workflow_ids=list(run_ids), status=["PENDING", "ENQUEUED"], load_input=False, load_output=False
        )
        return any(each.app_version in (None, version) for each in found)

    def hand_back(self, worker: Worker) -> None:
        """Put what a worker that has stopped working holds back into its queue."""
        if held := self.held(worker):
            self._client.resume_workflows(held, queue_name=worker.queue)

    def go_on(self, queue: str, version: str) -> None:
        """Put the runs of a queue that are to be retried back into it, under their ids and keys.

        Each goes on with the step that is noted, under this version of the process, or starts anew where none is.
        """
        for row in ledger.reopened(self._database, queue):
            known = self._client.list_workflows(workflow_ids=[row.run_id], load_input=False, load_output=False)
            if row.forked_from is not None and not known:
                self._fork(row, version)
                continue
            first = self._number(row.run_id, row.again_from)
            if self.states([row.run_id]).get(row.run_id, "ended") in ("ended", "held"):  # else a kill came between
                self._client.rewind_workflow(
                    row.run_id, start_step=first, application_version=version, queue_name=queue
                )
            ledger.went_on(self._database, row.run_id)

    def _fork(self, row: sa.Row[Any], version: str) -> None:
        """Begin a run that takes over the first steps of another."""
        first = self._number(row.forked_from, row.again_from)
        with SetWorkflowID(row.run_id):
            self._client.fork_workflow(row.forked_from, first, application_version=version, queue_name=row.queue)
        ledger.went_on(self._database, row.run_id)

    def _number(self, run_id: str, step: str) -> int:
        """The engine's number of a step; the first where the run has none of that key."""
        steps = self._client.list_workflow_steps(run_id)
        return next((each["function_id"] for each in steps if each["function_name"] == step), 1)

    def give_up(self, process: Process[Any, Any, Any]) -> None:
        """Note as failed the runs that the engine begins no more."""
        found = self._client.list_workflows(name=process.name, status=[*GIVEN_UP], load_input=False, load_output=False)
        for run_id in ledger.still_open(self._database, [each.workflow_id for each in found]):
            record = self.records([run_id]).get(run_id)
            if record is not None:
                ledger.finish(self._database, record)

    def _lost(self, run: WorkflowStatus) -> RunRecord:
        """The record of a run that the engine begins no more."""
        row = ledger.find_run(self._database, run.workflow_id)
        created_ms = row.created_ms if row is not None else run.created_at or 0
        ended_ms = run.completed_at or run.updated_at or created_ms
        given = run.input["args"][0] if run.input else {}
        steps = tuple(self.steps(run.workflow_id))
        started_at = steps[0].timestamp if steps else _moment(created_ms)
        return RunRecord(
            process=run.name,
            title=run.name,
            run_id=run.workflow_id,
            status="failed",
            started_at=started_at,
            finished_at=_moment(ended_ms),
            duration=max(0.0, round(ended_ms / 1000 - started_at.timestamp(), 3)),
            input=given if isinstance(given, dict) else {},
            error=GIVEN_UP[run.status],
            steps=steps,
        )


def _marked(record: RunRecord, names: Sequence[str]) -> RunRecord:
    """With what the process marks as personal by now, too."""
    every = {*record.personal, *names}
    return record.model_copy(update={"personal": tuple(sorted(every))}) if every else record


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@contextmanager
def history(database: sa.Engine) -> Iterator[History | None]:
    """The engine's memory; None in a database that no engine has worked on."""
    if not prepared(database):
        yield None
        return
    kept = History(database)
    try:
        yield kept
    finally:
        kept.close()
