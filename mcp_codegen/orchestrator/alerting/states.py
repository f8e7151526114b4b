"""What is known of each alert, in the database: a restart neither forgets one nor tells it again.

pending    it is so, and not yet for long enough
firing     it was told, or is being told
resolved   it is over; the row stays, for people to see
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Literal

import sqlalchemy as sa

from mcp_codegen.orchestrator.alerting.conditions import Found
from mcp_codegen.orchestrator.alerting.rules import Rule
from mcp_codegen.orchestrator.durable.tables import alerts, insertion

State = Literal["pending", "firing", "resolved"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: a rule, and what it is about."""

    rule: str
    subject: str
    state: State
    severity: str
    text: str
    since_ms: int
    told_ms: int | None = None
    untold: str = ""
    tries: int = 0
    next_ms: int = 0


def after(
    before: Alert | None, rule: Rule, found: Found | None, destinations: Collection[str], now_ms: int
) -> Alert | None:
    """The alert as it is now; None where there is none, or nothing changes. `found`: nothing means that it is over."""
    known = before is not None and before.state != "resolved"
    if found is not None and found.bad:
        usual = Alert(rule.name, found.subject, "pending", rule.severity, found.text, now_ms)
        return _lasting(before if before is not None and known else usual, rule, found, destinations, now_ms)
    if before is None or not known:
        return None
    if before.state == "pending":
        return replace(before, state="resolved", since_ms=now_ms)
    if found is not None and not found.over:
        return replace(before, text=found.text)
    over = replace(before, state="resolved", since_ms=now_ms, text=found.text if found is not None else before.text)
    return _to_be_told(over, rule, destinations, now_ms)


def _lasting(alert: Alert, rule: Rule, found: Found, destinations: Collection[str], now_ms: int) -> Alert:
    alert = replace(alert, text=found.text)
    if alert.state == "pending" and now_ms - alert.since_ms >= rule.hold_ms:
        return _to_be_told(replace(alert, state="firing", since_ms=now_ms), rule, destinations, now_ms)
    if alert.state == "firing" and rule.repeat_ms and now_ms - (alert.told_ms or 0) >= rule.repeat_ms:
        return _to_be_told(alert, rule, destinations, now_ms)
    return alert


def _to_be_told(alert: Alert, rule: Rule, destinations: Collection[str], now_ms: int) -> Alert:
    to = ",".join(sorted(rule.notify or destinations))
    return replace(alert, told_ms=now_ms, untold=to, tries=0, next_ms=0)


def every(database: sa.Engine, state: State | None = None) -> list[Alert]:
    """The alerts that are remembered, the latest change first."""
    query = sa.select(alerts).order_by(alerts.c.since_ms.desc())
    query = query.where(alerts.c.state == state) if state else query
    with database.connect() as connection:
        names = [field.name for field in fields(Alert)]
        return [Alert(**{name: getattr(row, name) for name in names}) for row in connection.execute(query)]


def untold(known: Sequence[Alert], now_ms: int) -> list[Alert]:
    """Those of which somebody has still to hear, now."""
    return [alert for alert in known if alert.untold and alert.next_ms <= now_ms]


def keep(database: sa.Engine, alert: Alert) -> None:
    """Remember an alert as it is now."""
    values = asdict(alert)
    changed = {name: value for name, value in values.items() if name not in ("rule", "subject")}
    insert = insertion(database, alerts).values(values)
    with database.begin() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["rule", "subject"], set_=changed))
