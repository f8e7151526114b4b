"""The alerts that rules have raised, where something watches by rules on this database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

MOST = 50
_FIRST = ("firing", "pending")

_alerts = sa.table(
    "orchestrator_alerts",
    *map(sa.column, ("rule", "subject", "state", "severity", "text", "since_ms")),
)


def raised(database: sa.Engine) -> Sequence[sa.Row[Any]]:
    """Those that last first, then those that are over; the latest change first. None where there is no such table."""
    if not sa.inspect(database).has_table(_alerts.name):
        return []
    over = sa.case((_alerts.c.state.in_(_FIRST), 0), else_=1)
    with database.connect() as connection:
        return connection.execute(sa.select(_alerts).order_by(over, _alerts.c.since_ms.desc()).limit(MOST)).all()
