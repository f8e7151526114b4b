"""What we remember of batches beside the engine's own tables: their states, and how their runs stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable import outbox
from mcp_codegen.orchestrator.durable.ledger import PAGE, milliseconds
from mcp_codegen.orchestrator.durable.queues import Priority
from mcp_codegen.orchestrator.durable.states import BEFORE, HALTED, Halt, State
from mcp_codegen.orchestrator.durable.tables import batches, insertion, runs


def begin(
    engine: sa.Engine, batch: str, *, process: str, source: str, mock: bool, priority: Priority = "normal"
) -> sa.Row[Any]:
    """Note a batch, or that it goes on, and give what is known of it; whether it fits is for the caller to judge."""
    with engine.begin() as connection:
        values = {"process": process, "source": source, "mock": mock, "priority": priority}
        values |= {"batch": batch, "created_ms": milliseconds(), "state": "running", "rejected": 0}
        connection.execute(insertion(engine, batches).on_conflict_do_nothing(), [values])
        return connection.execute(sa.select(batches).where(batches.c.batch == batch)).one()


def mark(engine: sa.Engine, batch: str, state: State, *, rejected: int | None = None) -> bool:
    """Note the batch's state, unless it may not follow the present one, and how many rows of its file were rejected."""
    values: dict[str, Any] = {"state": state}
    values["ended_ms"] = milliseconds() if state in ("stopped", "cancelled", "ended") else None
    if state in HALTED:
        values["halted_in"] = sa.case((batches.c.state.in_(HALTED), batches.c.halted_in), else_=batches.c.state)
    chosen = sa.update(batches).where(batches.c.batch == batch)
    with engine.begin() as connection:
        if rejected is not None:
            connection.execute(chosen.values(rejected=rejected))
        before = connection.scalar(sa.select(batches.c.state).where(batches.c.batch == batch))
        done = connection.execute(chosen.where(batches.c.state.in_(BEFORE[state])).values(values))
        if done.rowcount and state in ("ended", "cancelled") and state != before:
            outbox.note_batch(connection, engine, batch)
        return done.rowcount > 0


def resume(engine: sa.Engine, batch: str) -> None:
    """Note that a halted batch may go on: with the workers, where it was left to them, else when it is started."""
    before = sa.case((batches.c.halted_in == "submitted", "submitted"), else_="stopped")
    chosen = sa.update(batches).where(batches.c.batch == batch, batches.c.state.in_(HALTED))
    with engine.begin() as connection:
        connection.execute(chosen.values(state=before, halted_in=None, ended_ms=None))


def state(engine: sa.Engine, batch: str) -> State | None:
    """The batch's state; none where there is no such batch."""
    with engine.connect() as connection:
        state: State | None = connection.scalar(sa.select(batches.c.state).where(batches.c.batch == batch))
    return state


def halted(connection: sa.Connection, batch: str) -> Halt | None:
    """How the batch was halted; none where it was not."""
    state = connection.scalar(sa.select(batches.c.state).where(batches.c.batch == batch))
    return state if state in HALTED else None


def hold_state(connection: sa.Connection, batch: str) -> None:
    """Let nobody halt the batch before this transaction has ended."""
    if connection.dialect.name == "sqlite":  # knows no locks of rows, and takes its own with the first change
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(batches.c.state).where(batches.c.batch == batch).with_for_update(read=True))


def note_problem(engine: sa.Engine, batch: str, problem: str | None) -> None:
    """Note why the batch's file could not be read to the end, or that it can be."""
    with engine.begin() as connection:
        connection.execute(sa.update(batches).where(batches.c.batch == batch).values(problem=problem))


def close_ended(engine: sa.Engine, queue: str) -> None:
    """Note that batches which were left to the workers of a queue have ended, where all their runs have."""
    waiting = sa.select(batches.c.batch).where(batches.c.state == "submitted")
    with engine.connect() as connection:
        names = list(connection.scalars(waiting))
    for name in names:
        unended = sa.exists().where(runs.c.batch == name, runs.c.status.is_(None))
        strange = sa.exists().where(runs.c.batch == name, runs.c.queue != queue)
        ended = sa.update(batches).where(batches.c.batch == name, batches.c.state == "submitted", ~unended, ~strange)
        with engine.begin() as connection:
            if connection.execute(ended.values(state="ended", ended_ms=milliseconds())).rowcount:
                outbox.note_batch(connection, engine, name)


def counts(engine: sa.Engine, batch: str) -> dict[str, int]:
    """How many runs of a batch ended how; those that have not are `unfinished`."""
    query = sa.select(runs.c.status, sa.func.count()).where(runs.c.batch == batch).group_by(runs.c.status)
    with engine.connect() as connection:
        return {status or "unfinished": count for status, count in connection.execute(query)}


def failures(engine: sa.Engine, batch: str, limit: int = 10) -> list[tuple[str, str | None, str, int]]:
    """The most frequent failures of a batch: code, step, one of the messages, how many."""
    many = sa.func.count()
    query = sa.select(runs.c.error_code, runs.c.failed_step, sa.func.min(runs.c.error_message), many)
    query = query.where(runs.c.batch == batch, runs.c.status == "failed")
    query = query.group_by(runs.c.error_code, runs.c.failed_step).order_by(many.desc()).limit(limit)
    with engine.connect() as connection:
        return [(code, step, message, count) for code, step, message, count in connection.execute(query)]


def tallied(engine: sa.Engine, batch: str) -> Counter[str]:
    """How many runs of a batch are `unfinished`, `failed` and `cancelled`: a look that costs what these are."""
    wanted = {
        "unfinished": runs.c.status.is_(None),
        **{word: runs.c.status == word for word in ("failed", "cancelled")},
    }
    found = Counter[str]()
    with engine.connect() as connection:
        for word, condition in wanted.items():
            query = sa.select(sa.func.count()).where(runs.c.batch == batch, condition)
            found[word] = int(connection.execute(query).scalar_one())
    return found


def unended(engine: sa.Engine, batch: str) -> Iterator[list[str]]:
    """The runs of a batch that have not ended, some at a time."""
    last = ""
    while True:
        query = sa.select(runs.c.run_id).where(runs.c.batch == batch, runs.c.status.is_(None), runs.c.run_id > last)
        with engine.connect() as connection:
            found = list(connection.scalars(query.order_by(runs.c.run_id).limit(PAGE)))
        if not found:
            return
        yield found
        last = found[-1]


def cancelled(engine: sa.Engine, batch: str) -> list[str]:
    """The runs of a batch that were cancelled."""
    query = sa.select(runs.c.run_id).where(runs.c.batch == batch, runs.c.status == "cancelled")
    with engine.connect() as connection:
        return list(connection.scalars(query))


def queues(engine: sa.Engine, batch: str) -> list[str]:
    """Where the runs of a batch wait for their turns."""
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(runs.c.queue).where(runs.c.batch == batch).distinct()))


def pages(engine: sa.Engine, batch: str) -> Iterator[Sequence[sa.Row[Any]]]:
    """A batch's runs in the order of its file, some at a time."""
    last: tuple[int, str] = (-1, "")
    while True:
        query = sa.select(runs).where(runs.c.batch == batch, sa.tuple_(runs.c.row, runs.c.run_id) > last)
        with engine.connect() as connection:
            page = connection.execute(query.order_by(runs.c.row, runs.c.run_id).limit(PAGE)).all()
        if not page:
            return
        yield page
        last = (page[-1].row, page[-1].run_id)


def find(engine: sa.Engine, batch: str | None = None) -> Sequence[sa.Row[Any]]:
    """All batches, the latest first, or the one of that name."""
    query = sa.select(batches).order_by(batches.c.created_ms.desc())
    if batch is not None:
        query = query.where(batches.c.batch == batch)
    with engine.connect() as connection:
        return connection.execute(query).all()
