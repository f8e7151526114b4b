"""How often in a row each step failed, over all runs of its process; also where the process goes on after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import insertion, streaks
from mcp_codegen.orchestrator.record import RunRecord

_MENDED = sa.and_(
    streaks.c.process == sa.bindparam("of_process"),
    streaks.c.step.in_(sa.bindparam("succeeded", expanding=True)),
    streaks.c.in_a_row > 0,
)
_BROKEN = sa.select(sa.func.count()).select_from(streaks).where(_MENDED)
"""Written once: to put a statement together costs more than to execute it."""
_MEND = sa.update(streaks).where(_MENDED).values(in_a_row=0)


def note(connection: sa.Connection, database: sa.Engine, record: RunRecord) -> None:
    """Note how the steps of a run that ended went, within the caller's transaction.

    A run without failures, after one without, writes nothing.
    """
    failed = {step.key: step.error.code for step in record.steps if step.error is not None}
    succeeded = [step.key for step in record.steps if step.status == "success"]
    mended = {"of_process": record.process, "succeeded": succeeded}
    if succeeded and connection.scalar(_BROKEN, mended):
        connection.execute(_MEND, mended)
    moment = int(record.finished_at.timestamp() * 1000)
    for step, code in sorted(failed.items()):
        values = {"process": record.process, "step": step, "in_a_row": 1, "error_code": code, "failed_ms": moment}
        again = {"in_a_row": streaks.c.in_a_row + 1, "error_code": code, "failed_ms": moment}
        insert = insertion(database, streaks).values(values)
        connection.execute(insert.on_conflict_do_update(index_elements=["process", "step"], set_=again))


def every(database: sa.Engine) -> Sequence[sa.Row[Any]]:
    """Each step that ever failed, with how often it has done so since it last succeeded."""
    with database.connect() as connection:
        return connection.execute(sa.select(streaks).order_by(streaks.c.process, streaks.c.step)).all()
