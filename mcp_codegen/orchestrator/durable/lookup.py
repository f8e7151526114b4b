"""Pages of runs and batches, by what is looked for; in an order in which new ones do not move the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import batches, runs

Status = Literal["unfinished", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs are looked for: those of which all that is given is true."""

    process: str | None = None
    batch: str | None = None
    status: Status | None = None
    error_code: str | None = None
    failed_step: str | None = None
    since_ms: int | None = None
    """Made at that moment or later."""
    until_ms: int | None = None
    """Made before that moment."""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """For a query of the table of runs."""
        equal = {column: getattr(self, column) for column in ("process", "batch", "error_code", "failed_step")}
        found = [runs.c[column] == value for column, value in equal.items() if value is not None]
        if self.status is not None:
            found.append(runs.c.status.is_(None) if self.status == "unfinished" else runs.c.status == self.status)
        if self.since_ms is not None:
            found.append(runs.c.created_ms >= self.since_ms)
        if self.until_ms is not None:
            found.append(runs.c.created_ms < self.until_ms)
        return found


def page(
    database: sa.Engine, wanted: Wanted, *, after: tuple[int, str] | None = None, limit: int
) -> Sequence[sa.Row[Any]]:
    """So many runs after that place: those of a batch in the order of its file, others the latest first."""
    query = sa.select(runs).where(*wanted.conditions()).limit(limit)
    if wanted.batch is not None:
        place = sa.tuple_(runs.c.row, runs.c.run_id)
        query = query.order_by(runs.c.row, runs.c.run_id)
        query = query if after is None else query.where(place > after)
    else:
        place = sa.tuple_(runs.c.created_ms, runs.c.run_id)
        query = query.order_by(runs.c.created_ms.desc(), runs.c.run_id.desc())
        query = query if after is None else query.where(place < after)
    with database.connect() as connection:
        return connection.execute(query).all()


def place(row: sa.Row[Any], wanted: Wanted) -> tuple[int, str]:
    """Where a run stands in the order of `page`."""
    return (row.created_ms if wanted.batch is None else row.row), row.run_id


def page_of_batches(
    database: sa.Engine, *, process: str | None, state: str | None, after: tuple[int, str] | None, limit: int
) -> Sequence[sa.Row[Any]]:
    """So many batches after that place, the latest first."""
    query = sa.select(batches).order_by(batches.c.created_ms.desc(), batches.c.batch.desc()).limit(limit)
    if process is not None:
        query = query.where(batches.c.process == process)
    if state is not None:
        query = query.where(batches.c.state == state)
    if after is not None:
        query = query.where(sa.tuple_(batches.c.created_ms, batches.c.batch) < after)
    with database.connect() as connection:
        return connection.execute(query).all()


def counts(database: sa.Engine, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many runs of each of these batches ended how; those that have not are `unfinished`."""
    if not names:
        return {}
    query = sa.select(runs.c.batch, runs.c.status, sa.func.count()).where(runs.c.batch.in_(names))
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    with database.connect() as connection:
        for batch, status, count in connection.execute(query.group_by(runs.c.batch, runs.c.status)):
            found[batch][status or "unfinished"] = count
    return found


def batches_named(database: sa.Engine, names: Sequence[str]) -> Sequence[sa.Row[Any]]:
    """The batches of these names."""
    if not names:
        return []
    with database.connect() as connection:
        return connection.execute(sa.select(batches).where(batches.c.batch.in_(names))).all()
