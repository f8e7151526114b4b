"""Which processes work on a database, and until when each may be believed to be alive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import insertion, now_ms, workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One process that works on a queue."""

    executor: str
    """The name that the engine knows it by; no two live processes have the same."""
    session: str
    """This process's alone, also where another had the executor's name before."""
    queue: str
    version: str
    place: str
    """Host and process id, for people."""


def enter(database: sa.Engine, worker: Worker, seconds: float) -> None:
    """Note a worker that may be believed to be alive for so long. Whoever had its name has it no more."""
    values = {
        "executor": worker.executor,
        "session": worker.session,
        "queue": worker.queue,
        "version": worker.version,
        "place": worker.place,
        "started_ms": sa.cast(now_ms(database), sa.BigInteger),
        "expires_ms": _in(database, seconds),
    }
    insert = insertion(database, workers).values(values)
    changed = {name: insert.excluded[name] for name in values if name != "executor"}
    with database.begin() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["executor"], set_=changed))


def renew(database: sa.Engine, worker: Worker, seconds: float) -> bool:
    """Note that a worker is alive; false when others have taken it for dead, or another has its name."""
    with database.begin() as connection:
        renewed = connection.execute(
            sa.update(workers).where(*_is(worker)).values(expires_ms=_in(database, seconds)),
        )
        return bool(renewed.rowcount)


def leave(database: sa.Engine, worker: Worker) -> None:
    """Forget a worker that has ended and holds nothing any more."""
    with database.begin() as connection:
        connection.execute(sa.delete(workers).where(*_is(worker)))


def bury(database: sa.Engine, worker: Worker) -> list[str]:
    """Forget the other workers that were not heard of for too long, and give the names of their executors."""
    late = (workers.c.expires_ms < now_ms(database), workers.c.executor != worker.executor)
    with database.begin() as connection:
        gone = sa.delete(workers).where(*late).returning(workers.c.executor)
        return [str(executor) for executor in connection.scalars(gone)]


def living(database: sa.Engine, queue: str) -> Sequence[sa.Row[Any]]:
    """The workers of a queue, the eldest first."""
    query = sa.select(workers).where(workers.c.queue == queue, workers.c.expires_ms >= now_ms(database))
    with database.connect() as connection:
        return connection.execute(query.order_by(workers.c.started_ms, workers.c.executor)).all()


def unburied(database: sa.Engine, queue: str) -> set[str]:
    """The executors of a queue that nobody has taken for dead, heard of lately or not: none of them is to be robbed."""
    with database.connect() as connection:
        return set(connection.scalars(sa.select(workers.c.executor).where(workers.c.queue == queue)))


def _is(worker: Worker) -> tuple[sa.ColumnElement[bool], ...]:
    return workers.c.executor == worker.executor, workers.c.session == worker.session


def _in(database: sa.Engine, seconds: float) -> sa.ColumnElement[int]:
    return sa.cast(now_ms(database) + seconds * 1000, sa.BigInteger)
