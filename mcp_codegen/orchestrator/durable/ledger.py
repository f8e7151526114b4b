"""What we remember of runs beside the engine's own tables: order, numbers, and times in milliseconds."""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.durable import database, outbox, streaks, tables
from mcp_codegen.orchestrator.durable.states import HALTED
from mcp_codegen.orchestrator.durable.tables import batches, insertion, personal_names, removals, runs
from mcp_codegen.orchestrator.record import RunRecord

PAGE = 200
"""Runs that are read at a time."""


@dataclass(frozen=True, slots=True)
class Row:
    """A run to be: its id, its place in the file, and its input as JSON."""

    run_id: str
    row: int
    given: Any


def prepare(engine: sa.Engine) -> None:
    """Make the tables that are missing; processes that start at the same time wait for one another.

    Raises OrchestratorError.
    """
    with database.told():
        tables.make(engine, tables.metadata)


def mark_personal(engine: sa.Engine, process: str, names: Collection[str]) -> None:
    """Note which members of a process's inputs and outputs are personal data; what was one once stays one."""
    if names:
        with engine.begin() as connection:
            values = [{"process": process, "name": name} for name in sorted(names)]
            connection.execute(insertion(engine, personal_names).on_conflict_do_nothing(), values)


def personal(engine: sa.Engine, process: str) -> tuple[str, ...]:
    """The names of members that are personal data in the runs of a process."""
    with engine.connect() as connection:
        found = sa.select(personal_names.c.name).where(personal_names.c.process == process)
        return tuple(connection.scalars(found.order_by(personal_names.c.name)))


def milliseconds() -> int:
    """This moment, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def add(
    connection: sa.Connection, engine: sa.Engine, batch: str, process: str, rows: Sequence[Row], *, queue: str
) -> set[str]:
    """Note runs to be, and give the ids of those that are new."""
    moment = milliseconds()
    common = {"batch": batch, "process": process, "queue": queue, "created_ms": moment}
    values = [{"run_id": row.run_id, "row": row.row, **common} for row in rows]
    ids = [row.run_id for row in rows]
    known = set(connection.scalars(sa.select(runs.c.run_id).where(runs.c.run_id.in_(ids))))
    known |= set(connection.scalars(sa.select(removals.c.run_id).where(removals.c.run_id.in_(ids))))
    fresh = [value for value in values if value["run_id"] not in known]
    if fresh:
        connection.execute(insertion(engine, runs).on_conflict_do_nothing(), fresh)
    return {str(value["run_id"]) for value in fresh}


def add_single(engine: sa.Engine, run_id: str, process: str, *, queue: str) -> None:
    """Note a run that belongs to no batch."""
    values = {"run_id": run_id, "process": process, "queue": queue, "created_ms": milliseconds()}
    with engine.begin() as connection:
        connection.execute(insertion(engine, runs).on_conflict_do_nothing(), [values])


def add_one(connection: sa.Connection, engine: sa.Engine, run_id: str, process: str, *, queue: str) -> bool:
    """Note a run that belongs to no batch, within the caller's transaction; false where there is one of that id."""
    values = {"run_id": run_id, "process": process, "queue": queue, "created_ms": milliseconds()}
    added = connection.execute(insertion(engine, runs).on_conflict_do_nothing(), [values])
    return bool(added.rowcount)


def finish(engine: sa.Engine, record: RunRecord) -> bool:
    """Note how a run ended, without personal data, its events and its steps' streaks; noting it again changes nothing.

    False where it was cancelled before: it stays so, and has no result.
    """
    if record.error or any(step.error for step in record.steps):
        record = masking.masked(record)  # nothing else of it that may be personal is noted
    values = {
        "finished": record.run_id,
        "status": record.status,
        "started_ms": int(record.started_at.timestamp() * 1000),
        "ended_ms": int(record.finished_at.timestamp() * 1000),
        "steps_retried": sum(len(step.retried) for step in record.steps),
        "error_code": record.error.code if record.error else None,
        "error_message": record.error.message if record.error else None,
        "failed_step": next((step.key for step in record.steps if step.step == record.failed_step), None),
    }
    parameters = values | streaks.asked(record)
    step_failed = any(step.error for step in record.steps)
    if not step_failed:
        with database.alone(engine) as connection:
            if connection.execute(_FINISH_ALL, parameters).rowcount:
                return True
    with engine.begin() as connection:
        first = connection.execute(_FINISH_FIRST, parameters).one_or_none()
        if first is None:
            return bool(connection.execute(_FINISH, values).rowcount)
        if first.is_wanted:
            outbox.note_run(connection, engine, record)
        if first.is_broken or step_failed:
            streaks.note(connection, engine, record)
    return True


_FINISH = sa.update(runs).where(
    runs.c.run_id == sa.bindparam("finished"), ~runs.c.status.is_not_distinct_from("cancelled")
)
"""Written once: to put a statement together costs more than to execute it."""
_FINISH_FIRST = _FINISH.where(runs.c.status.is_(None)).returning(
    outbox.WANTED.label("is_wanted"), streaks.BROKEN.label("is_broken")
)
"""Asks with it whether there is more to note."""
_FINISH_ALL = _FINISH.where(runs.c.status.is_(None), ~outbox.WANTED, ~streaks.BROKEN)
"""Mostly there is not, and this is all."""


def cancel(engine: sa.Engine, run_ids: Sequence[str]) -> list[str]:
    """Note that runs which have not ended were cancelled; which of them are, now or since before.

    It decides between a cancellation and the end of a run: only these may be cancelled in the engine, and only a run
    that is none of them, by `finish`, has a result.
    """
    _change(engine, run_ids, runs.c.status.is_(None), {"status": "cancelled", "ended_ms": milliseconds()})
    return _those(engine, run_ids, runs.c.status == "cancelled")


def reopen(engine: sa.Engine, run_id: str, again_from: str | None = None) -> None:
    """Note that a run which had ended is to go on: by the next start of its batch with that step, or where it was."""
    cleared: dict[str, Any] = dict.fromkeys(("status", "ended_ms", "error_code", "error_message", "failed_step"))
    _change(engine, [run_id], runs.c.status.is_not(None), cleared | {"again_from": again_from})


def reopened(engine: sa.Engine, queue: str) -> Sequence[sa.Row[Any]]:
    """The runs of a queue that are to go on with a step of theirs."""
    with engine.connect() as connection:
        return connection.execute(
            sa.select(runs).where(runs.c.queue == queue, runs.c.again_from.is_not(None), ~_halted())
        ).all()


def fork(engine: sa.Engine, origin: sa.Row[Any], step: str) -> str:
    """Note a run to be that takes over the steps of another before that one, and give its id."""
    with engine.begin() as connection:
        forks = sa.select(runs.c.run_id).where(runs.c.forked_from == origin.run_id)
        taken = set(connection.scalars(forks))
        number = next(number for number in itertools.count(1) if f"{origin.run_id}.fork-{number}" not in taken)
        kept = {name: getattr(origin, name) for name in ("batch", "row", "process", "queue")}
        values = {"run_id": f"{origin.run_id}.fork-{number}", "created_ms": milliseconds(), **kept}
        connection.execute(sa.insert(runs), [values | {"forked_from": origin.run_id, "again_from": step}])
        return str(values["run_id"])


def _halted() -> sa.ColumnElement[bool]:
    """That a run's batch is paused or cancelled."""
    return sa.exists().where(batches.c.batch == runs.c.batch, batches.c.state.in_(HALTED))


def went_on(engine: sa.Engine, run_id: str) -> None:
    """Note that a run that was to go on does."""
    _change(engine, [run_id], runs.c.again_from.is_not(None), {"again_from": None})


def still_open(engine: sa.Engine, run_ids: Sequence[str]) -> list[str]:
    """Those of the runs that have not ended."""
    return _those(engine, run_ids, runs.c.status.is_(None))


def find_run(engine: sa.Engine, run_id: str) -> sa.Row[Any] | None:
    """One run."""
    with engine.connect() as connection:
        return connection.execute(sa.select(runs).where(runs.c.run_id == run_id)).one_or_none()


def _those(engine: sa.Engine, run_ids: Sequence[str], condition: sa.ColumnElement[bool]) -> list[str]:
    found: list[str] = []
    with engine.connect() as connection:
        for start_at in range(0, len(run_ids), PAGE):
            chosen = runs.c.run_id.in_(run_ids[start_at : start_at + PAGE])
            found += connection.scalars(sa.select(runs.c.run_id).where(chosen, condition))
    return found


def _change(
    engine: sa.Engine, run_ids: Sequence[str], condition: sa.ColumnElement[bool], values: dict[str, Any]
) -> None:
    with engine.begin() as connection:
        for start_at in range(0, len(run_ids), PAGE):
            chosen = runs.c.run_id.in_(run_ids[start_at : start_at + PAGE])
            connection.execute(sa.update(runs).where(chosen, condition).values(values))
