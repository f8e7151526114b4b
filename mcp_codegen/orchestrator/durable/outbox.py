"""What others are to be told of: noted in the transaction in which it happens, so that no kill comes in between.

An event becomes one row for each subscription that wants it; where nobody has subscribed, nothing is written. What is
delivered, when and how often, is for the package `webhooks`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import JsonValue

from mcp_codegen.orchestrator.durable.tables import batches, deliveries, insertion, runs, subscriptions
from mcp_codegen.orchestrator.errors import printable
from mcp_codegen.orchestrator.record import ErrorRecord, RunRecord, now

Kind = Literal["run.succeeded", "run.failed", "step.failed", "batch.finished", "alert"]
KINDS: tuple[Kind, ...] = ("run.succeeded", "run.failed", "step.failed", "batch.finished", "alert")
TEST = "webhook.test"
"""Sent on demand to one subscription, whatever it wants."""

LONGEST = 500
"""Characters of a text in an event."""
MOST_STEPS = 50
"""Failed steps of one run that events are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. `data` is what is sent: never personal data."""

    kind: str
    data: dict[str, JsonValue]
    process: str | None = None
    batch: str | None = None
    event_id: str = ""
    """Empty for a new one; where the same thing may be noted twice, an id that is made of what it is."""


def alert(
    database: sa.Engine,
    *,
    rule: str,
    state: str,
    severity: str,
    message: str,
    subject: str = "",
    process: str | None = None,
    batch: str | None = None,
    key: str = "",
) -> None:
    """Note an alert, to be sent to who has subscribed to `alert`; it returns when it is written, not when it is sent.

    `state` is `firing` or `resolved`; `subject` is what it is about. `message` is shown to others as it stands: the
    caller keeps personal data out of it. With a `key`, noting the same once more (also by another process) sends
    nothing more: one key for each change of state, such as `failure-rate:firing:1700000000`.
    """
    data: dict[str, JsonValue] = {"rule": _told(rule), "state": state, "severity": severity, "message": _told(message)}
    data["subject"] = _told(subject)
    event = Event(
        kind="alert",
        data=data | {"process": process, "batch": batch},
        process=process,
        batch=batch,
        event_id="evt_" + hashlib.sha256(f"alert:{key}".encode()).hexdigest()[:32] if key else "",
    )
    with database.begin() as connection:
        note(connection, database, [event])


def note(connection: sa.Connection, database: sa.Engine, events: Iterable[Event]) -> None:
    """Note events for who wants them, within the caller's transaction."""
    if wanting := _wanting(connection):
        _write(connection, database, wanting, events)


def note_run(connection: sa.Connection, database: sa.Engine, record: RunRecord) -> None:
    """Note that a run has ended, of whose record status, times and errors are told. The errors are masked already."""
    wanting = _wanting(connection)
    if not wanting or record.status == "cancelled":
        return
    batch = connection.scalar(sa.select(runs.c.batch).where(runs.c.run_id == record.run_id))
    _write(connection, database, wanting, _of_run(record, batch))


def note_batch(connection: sa.Connection, database: sa.Engine, batch: str) -> None:
    """Note that a batch has ended, or was cancelled, with how its runs have ended so far."""
    wanting = _wanting(connection)
    if not wanting:
        return
    row = connection.execute(sa.select(batches).where(batches.c.batch == batch)).one()
    counting = sa.select(runs.c.status, sa.func.count()).where(runs.c.batch == batch).group_by(runs.c.status)
    counts: dict[str, JsonValue] = {status or "unfinished": many for status, many in connection.execute(counting)}
    data: dict[str, JsonValue] = {"batch": batch, "process": row.process, "state": row.state, "runs": counts}
    event = Event(kind="batch.finished", data=data | {"rejected": row.rejected}, process=row.process, batch=batch)
    _write(connection, database, wanting, [event])


def deliver(connection: sa.Connection, database: sa.Engine, webhook: str, event: Event) -> str:
    """Note an event for one subscription, whatever it wants; gives the delivery's id."""
    row = _row(webhook, event, event.event_id or _new("evt"))
    connection.execute(insertion(database, deliveries).on_conflict_do_nothing(), [row])
    return str(row["delivery"])


def _of_run(record: RunRecord, batch: str | None) -> Iterable[Event]:
    about: dict[str, JsonValue] = {"run_id": record.run_id, "process": record.process, "batch": batch}
    failed = next((step.key for step in record.steps if step.step == record.failed_step), None)
    data = about | {"status": record.status, "duration": record.duration, "failed_step": failed}
    yield Event(
        kind=f"run.{record.status}",
        data=data | {"ended_at": record.model_dump(mode="json")["finished_at"], "error": _error(record.error)},
        process=record.process,
        batch=batch,
    )
    for step in [step for step in record.steps if step.status == "error"][:MOST_STEPS]:
        more: dict[str, JsonValue] = {"step": step.key, "attempts": step.attempts, "error": _error(step.error)}
        yield Event(kind="step.failed", data=about | more, process=record.process, batch=batch)


def _error(error: ErrorRecord | None) -> JsonValue:
    if error is None:
        return None
    return {"code": _told(error.code), "message": _told(error.message), "status": error.status}


def _told(text: str) -> str:
    clean = printable(text.encode("utf-8", "replace").decode())
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def _wanting(connection: sa.Connection) -> Sequence[sa.Row[Any]]:
    return connection.execute(_WANTING).all()


_ENABLED = subscriptions.c.disabled.is_(None)
_WANTING = sa.select(subscriptions).where(_ENABLED)
WANTED = sa.exists().where(_ENABLED)
"""Whether anybody has subscribed, for the statement that ends a run."""


def _write(
    connection: sa.Connection, database: sa.Engine, wanting: Sequence[sa.Row[Any]], events: Iterable[Event]
) -> None:
    rows = []
    for event in events:
        event_id = event.event_id or _new("evt")
        rows += [_row(each.webhook, event, event_id) for each in wanting if _wants(each, event)]
    if rows:
        connection.execute(insertion(database, deliveries).on_conflict_do_nothing(), rows)


def _wants(subscription: sa.Row[Any], event: Event) -> bool:
    return (
        event.kind in subscription.events.split()
        and subscription.process in (None, event.process)
        and subscription.batch in (None, event.batch)
    )


def _row(webhook: str, event: Event, event_id: str) -> dict[str, Any]:
    moment = now()
    timestamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"id": event_id, "type": event.kind, "timestamp": timestamp, "data": event.data}
    milliseconds = int(moment.timestamp() * 1000)
    return {
        "delivery": _new("dlv"),
        "webhook": webhook,
        "event": event_id,
        "kind": event.kind,
        "payload": json.dumps(told, separators=(",", ":")),
        "created_ms": milliseconds,
        "due_ms": milliseconds,
        "state": "due",
        "attempts": 0,
    }


def _new(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(16)}"
