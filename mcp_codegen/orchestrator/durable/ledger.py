"""What we remember of batches and runs beside the engine's own tables: order, numbers, and times in milliseconds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.errors import OrchestratorError
from mcp_codegen.orchestrator.record import RunRecord

PAGE = 200
"""Runs that are read at a time."""

_metadata = sa.MetaData()

batches = sa.Table(
    "orchestrator_batches",
    _metadata,
    sa.Column("batch", sa.String(100), primary_key=True),
    sa.Column("process", sa.String(64), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("mock", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False, default=0),
)

runs = sa.Table(
    "orchestrator_runs",
    _metadata,
    sa.Column("run_id", sa.String(200), primary_key=True),
    sa.Column("batch", sa.String(100)),
    sa.Column("row", sa.BigInteger),
    sa.Column("process", sa.String(64), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("status", sa.String(20), comment="none until the run has ended"),
    sa.Column("steps_retried", sa.BigInteger, nullable=False, default=0),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("failed_step", sa.Text),
    sa.Column("again_from", sa.Text, comment="of a run to be retried: the step to go on with; empty for the first"),
    sa.Index("orchestrator_runs_by_batch", "batch", "status"),
    sa.Index("orchestrator_runs_in_order", "batch", "row", "run_id"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A run to be: its id, its place in the file, and its input as JSON."""

    run_id: str
    row: int
    given: Any


def prepare(engine: sa.Engine) -> None:
    """Make the tables that are missing. Raises OrchestratorError."""
    try:
        _metadata.create_all(engine)
    except SQLAlchemyError as error:
        raise OrchestratorError(
            f"the database's tables cannot be made ({type(error).__name__})",
            code="database",
            hint="the user needs the right to create tables",
        ) from error


def milliseconds() -> int:
    """This moment, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def open_batch(engine: sa.Engine, batch: str, *, process: str, source: str, mock: bool) -> sa.Row[Any]:
    """Note a batch, or that it goes on, and give what is known of it; whether it fits is for the caller to judge."""
    with engine.begin() as connection:
        values = {"process": process, "source": source, "mock": mock, "state": "running", "rejected": 0}
        connection.execute(_insert(engine, batches), [{"batch": batch, "created_ms": milliseconds(), **values}])
        return connection.execute(sa.select(batches).where(batches.c.batch == batch)).one()


def mark_batch(engine: sa.Engine, batch: str, state: str, *, rejected: int | None = None) -> None:
    """Note the batch's state, and how many rows of its file were rejected."""
    values: dict[str, Any] = {"state": state, "ended_ms": None if state == "running" else milliseconds()}
    if rejected is not None:
        values["rejected"] = rejected
    with engine.begin() as connection:
        connection.execute(sa.update(batches).where(batches.c.batch == batch).values(values))


def add(connection: sa.Connection, engine: sa.Engine, batch: str, process: str, rows: Sequence[Row]) -> set[str]:
    """Note runs to be, and give the ids of those that are new."""
    moment = milliseconds()
    values = [
        {"run_id": row.run_id, "batch": batch, "row": row.row, "process": process, "created_ms": moment} for row in rows
    ]
    known = set(
        connection.scalars(sa.select(runs.c.run_id).where(runs.c.run_id.in_([row.run_id for row in rows]))).all()
    )
    fresh = [value for value in values if value["run_id"] not in known]
    if fresh:
        connection.execute(_insert(engine, runs), fresh)
    return {str(value["run_id"]) for value in fresh}


def add_single(engine: sa.Engine, run_id: str, process: str) -> None:
    """Note a run that belongs to no batch."""
    values = {"run_id": run_id, "process": process, "created_ms": milliseconds()}
    with engine.begin() as connection:
        connection.execute(_insert(engine, runs), [values])


def finish(engine: sa.Engine, record: RunRecord) -> None:
    """Note how a run ended, without personal data; noting it again changes nothing."""
    record = masking.masked(record)
    failed = next((step.key for step in record.steps if step.step == record.failed_step), None)
    values = {
        "status": record.status,
        "started_ms": int(record.started_at.timestamp() * 1000),
        "ended_ms": int(record.finished_at.timestamp() * 1000),
        "steps_retried": sum(len(step.retried) for step in record.steps),
        "error_code": record.error.code if record.error else None,
        "error_message": record.error.message if record.error else None,
        "failed_step": failed,
    }
    with engine.begin() as connection:
        connection.execute(sa.update(runs).where(runs.c.run_id == record.run_id).values(values))


def cancel(engine: sa.Engine, run_ids: Sequence[str]) -> None:
    """Note that runs which have not ended were cancelled."""
    _change(engine, run_ids, runs.c.status.is_(None), {"status": "cancelled", "ended_ms": milliseconds()})


def reopen(engine: sa.Engine, run_id: str, again_from: str | None = None) -> None:
    """Note that a run which had ended is to go on: by the next start of its batch with that step, or where it was."""
    cleared: dict[str, Any] = dict.fromkeys(("status", "ended_ms", "error_code", "error_message", "failed_step"))
    _change(engine, [run_id], runs.c.status.is_not(None), cleared | {"again_from": again_from})


def reopened(engine: sa.Engine, batch: str) -> Sequence[sa.Row[Any]]:
    """The runs of a batch that are to go on with a step of theirs."""
    with engine.connect() as connection:
        return connection.execute(sa.select(runs).where(runs.c.batch == batch, runs.c.again_from.is_not(None))).all()


def went_on(engine: sa.Engine, run_id: str) -> None:
    """Note that a run that was to go on does."""
    _change(engine, [run_id], runs.c.again_from.is_not(None), {"again_from": None})


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


def unfinished(engine: sa.Engine, batch: str) -> int:
    """How many runs of a batch have not ended."""
    query = sa.select(sa.func.count()).where(runs.c.batch == batch, runs.c.status.is_(None))
    with engine.connect() as connection:
        return int(connection.execute(query).scalar_one())


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


def find_runs(engine: sa.Engine, *, batch: str | None, status: str | None, limit: int) -> Sequence[sa.Row[Any]]:
    """The latest runs, of one batch and one status if they are given."""
    query = sa.select(runs).order_by(runs.c.created_ms.desc(), runs.c.row, runs.c.run_id).limit(limit)
    if batch is not None:
        query = query.where(runs.c.batch == batch)
    if status is not None:
        query = query.where(runs.c.status.is_(None) if status == "unfinished" else runs.c.status == status)
    with engine.connect() as connection:
        return connection.execute(query).all()


def find_run(engine: sa.Engine, run_id: str) -> sa.Row[Any] | None:
    """One run."""
    with engine.connect() as connection:
        return connection.execute(sa.select(runs).where(runs.c.run_id == run_id)).one_or_none()


def find_batches(engine: sa.Engine, batch: str | None = None) -> Sequence[sa.Row[Any]]:
    """All batches, the latest first, or the one of that name."""
    query = sa.select(batches).order_by(batches.c.created_ms.desc())
    if batch is not None:
        query = query.where(batches.c.batch == batch)
    with engine.connect() as connection:
        return connection.execute(query).all()


def _change(
    engine: sa.Engine, run_ids: Sequence[str], condition: sa.ColumnElement[bool], values: dict[str, Any]
) -> None:
    with engine.begin() as connection:
        for start_at in range(0, len(run_ids), PAGE):
            chosen = runs.c.run_id.in_(run_ids[start_at : start_at + PAGE])
            connection.execute(sa.update(runs).where(chosen, condition).values(values))


def _insert(engine: sa.Engine, table: sa.Table) -> Any:  # noqa: ANN401 - one class for each dialect
    """An insertion that leaves alone what is there."""
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()
