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
_MEND = sa.update(streaks).where(_MENDED).values(in_a_row=0)
"""Written once: to put a statement together costs more than to execute it."""
BROKEN = sa.exists().where(_MENDED)
"""Whether steps of a run succeeded that failed before, for the statement that ends it; see `asked`."""


def asked(record: RunRecord) -> dict[str, object]:
    """What `BROKEN` asks about."""
    return {"of_process": record.process, "succeeded": [step.key for step in record.steps if step.status == "success"]}


def note(connection: sa.Connection, database: sa.Engine, record: RunRecord) -> None:
    """Note how the steps of a run that ended went, within the caller's transaction.

    For a run without failures, after one without, there is nothing to note.
    """
    failed = {step.key: step.error.code for step in record.steps if step.error is not None}
    connection.execute(_MEND, asked(record))
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
