"""Retention: runs that ended long enough ago are removed from our tables and from the engine's.

In chunks, each of which is whole: a kill at any moment leaves no run half removed for good. Our rows go first, and
their ids are noted in the same transaction; the engine's go next, and then the note. What a killed prune had noted is
removed by the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import batches, origins, removals, runs
from mcp_codegen.orchestrator.durable.transact import History

CHUNK = 200
"""Runs that are removed at a time."""


@dataclass(slots=True)
class Pruned:
    """What was removed, or would be."""

    runs: int = 0
    batches: int = 0


def count(database: sa.Engine, before_ms: int, batch: str | None = None) -> Pruned:
    """What `prune` would remove."""
    with database.connect() as connection:
        many = connection.execute(sa.select(sa.func.count()).select_from(runs).where(*_old(before_ms, batch)))
        remains = sa.exists().where(runs.c.batch == batches.c.batch, sa.not_(sa.and_(*_old(before_ms, batch))))
        empty = sa.select(sa.func.count()).select_from(batches).where(*_over(before_ms, batch), ~remains)
        return Pruned(runs=many.scalar_one(), batches=connection.execute(empty).scalar_one())


def prune(
    database: sa.Engine,
    history: History,
    before_ms: int,
    batch: str | None,
    pruned: Pruned,
    *,
    watch: Callable[[], object] = lambda: None,
) -> None:
    """Remove the runs that ended before that moment, and batches that ended before it and have none left.

    Never a run that has not ended, nor one whose steps a fork has still to take over. What was removed is counted in
    `pruned`, and `watch` is told after each chunk.
    """
    _forget(database, history)
    while removed := _take(database, before_ms, batch):
        _forget(database, history)
        pruned.runs += removed
        watch()
    with database.begin() as connection:
        empty = ~sa.exists().where(runs.c.batch == batches.c.batch)
        pruned.batches = connection.execute(sa.delete(batches).where(*_over(before_ms, batch), empty)).rowcount
        gone = ~sa.exists().where(batches.c.batch == origins.c.batch)
        connection.execute(sa.delete(origins).where(origins.c.batch != "", gone))


def shrink(database: sa.Engine) -> None:
    """Give the space back, and overwrite what was in it. An SQLite file only; PostgreSQL does so by itself."""
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _take(database: sa.Engine, before_ms: int, batch: str | None) -> int:
    """Move the ids of some runs from our table to the note of what the engine has to forget; how many."""
    with database.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        query = sa.select(runs.c.run_id).where(*_old(before_ms, batch)).order_by(runs.c.ended_ms).limit(CHUNK)
        ids = list(connection.scalars(query.with_for_update(skip_locked=True)))
        if ids:
            connection.execute(sa.insert(removals), [{"run_id": run_id} for run_id in ids])
            connection.execute(sa.delete(runs).where(runs.c.run_id.in_(ids)))
            connection.execute(sa.delete(origins).where(origins.c.run_id.in_(ids)))
    return len(ids)


def _forget(database: sa.Engine, history: History) -> None:
    """Remove what is noted from the engine's tables."""
    while True:
        with database.connect() as connection:
            ids = list(connection.scalars(sa.select(removals.c.run_id).limit(CHUNK)))
        if not ids:
            return
        history.forget(ids)
        with database.begin() as connection:
            connection.execute(sa.delete(removals).where(removals.c.run_id.in_(ids)))


def _old(before_ms: int, batch: str | None) -> list[sa.ColumnElement[bool]]:
    forks = runs.alias()
    awaited = sa.exists().where(forks.c.forked_from == runs.c.run_id, forks.c.again_from.is_not(None))
    conditions = [runs.c.status.is_not(None), runs.c.again_from.is_(None), runs.c.ended_ms < before_ms, ~awaited]
    return conditions if batch is None else [*conditions, runs.c.batch == batch]


def _over(before_ms: int, batch: str | None) -> list[sa.ColumnElement[bool]]:
    conditions = [batches.c.state.in_(["ended", "cancelled"]), batches.c.ended_ms < before_ms]
    return conditions if batch is None else [*conditions, batches.c.batch == batch]
