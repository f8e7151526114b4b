"""Runs that were in flight when their process died: one of them may have been the cause, the others were just there.

Who was there once may be any of them. Who was there a second time is suspected, and as long as a suspected run waits or
is in flight, each worker takes one run at a time: the next death has one cause, and the others come to their end.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import insertion, losses, runs

SUSPECTED = 2
"""Deaths of its process from which on a run is suspected."""


def note(database: sa.Engine, queue: str, run_ids: Sequence[str]) -> None:
    """Note that the process died in which these runs were in flight."""
    if run_ids:
        values = [{"run_id": run_id, "queue": queue, "times": 1} for run_id in sorted(run_ids)]
        insert = insertion(database, losses).on_conflict_do_update(
            index_elements=["run_id"], set_={"times": losses.c.times + 1}
        )
        with database.begin() as connection:
            connection.execute(insert, values)


def suspected(database: sa.Engine, queue: str) -> list[str]:
    """The suspected runs of a queue."""
    with database.connect() as connection:
        chosen = sa.select(losses.c.run_id).where(losses.c.queue == queue, losses.c.times >= SUSPECTED)
        return list(connection.scalars(chosen))


def forget(database: sa.Engine) -> None:
    """Forget the runs that have ended."""
    unended = sa.exists().where(runs.c.run_id == losses.c.run_id, runs.c.status.is_(None))
    with database.begin() as connection:
        connection.execute(sa.delete(losses).where(~unended))
