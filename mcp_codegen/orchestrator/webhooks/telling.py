"""Webhooks and deliveries as they are shown: on the command line and over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


def webhook(row: sa.Row[Any]) -> dict[str, Any]:
    """A subscription."""
    return {
        "id": row.webhook,
        "url": row.url,
        "events": row.events.split(),
        "process": row.process,
        "batch": row.batch,
        "secret_env": row.secret_env,
        "enabled": row.disabled is None,
        "disabled_because": row.disabled,
        "created_at": _moment(row.created_ms),
    }


def delivery(row: sa.Row[Any]) -> dict[str, Any]:
    """A delivery, without what is sent."""
    states = {"queued": "due"}
    return {
        "id": row.delivery,
        "webhook": row.webhook,
        "event": row.event,
        "type": row.kind,
        "state": states.get(row.state, row.state),
        "attempts": row.attempts,
        "created_at": _moment(row.created_ms),
        "due_at": _moment(row.due_ms) if row.ended_ms is None else None,
        "ended_at": _moment(row.ended_ms),
        "status": row.status,
        "problem": row.problem,
    }


def webhook_line(told: dict[str, Any]) -> str:
    """A subscription in one line."""
    only = "".join(f"  {name} {told[name]}" for name in ("process", "batch") if told[name])
    state = "" if told["enabled"] else f"  disabled: {told['disabled_because']}"
    return f"{told['id']}  {told['url']}  {','.join(told['events'])}{only}  {told['secret_env']}{state}"


def delivery_line(told: dict[str, Any]) -> str:
    """A delivery in one line."""
    problem = f"  {told['problem']}" if told["problem"] else ""
    attempts = "1 attempt" if told["attempts"] == 1 else f"{told['attempts']} attempts"
    return f"{told['id']}  {told['state']}  {told['type']}  {told['webhook']}  {attempts}{problem}"


def _moment(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
