"""Who wants to be told of what, and what has become of what was to be told."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable import outbox
from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.durable.outbox import KINDS, TEST, Event
from mcp_codegen.orchestrator.durable.tables import deliveries, subscriptions
from mcp_codegen.orchestrator.errors import UserError, shown
from mcp_codegen.orchestrator.webhooks import destinations, signing
from mcp_codegen.orchestrator.webhooks.destinations import Allowed, Refused

MOST = 100
"""Subscriptions of one database: each event is written once for each that wants it."""

_PROCESS = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def add(
    database: sa.Engine,
    url: str,
    events: Sequence[str],
    secret_env: str,
    *,
    allow: Allowed,
    process: str | None = None,
    batch: str | None = None,
) -> tuple[sa.Row[Any], str | None]:
    """A new subscription; and a fresh secret where the environment holds none yet, which is told only here.

    Raises UserError for what cannot be subscribed so. Names of hosts are looked up when something is sent, not now.
    """
    try:
        destinations.check_url(url, allow)
    except Refused as refused:
        raise UserError(
            f"the URL {shown(url)} is refused: {refused}", code="destination_refused", hint="give a public https URL"
        ) from refused
    if not events or set(events) - set(KINDS):
        raise UserError("there are no such events", hint=f"name some of {', '.join(KINDS)}")
    for what, value, pattern in (("process", process, _PROCESS), ("batch", batch, _BATCH)):
        if value is not None and not pattern.fullmatch(value):
            raise UserError(f"{shown(value)} cannot be the name of a {what}", hint="give the name as it is listed")
    signing.check_variable(secret_env)
    fresh = None
    if os.environ.get(secret_env):
        signing.secrets_of(secret_env, os.environ)
    else:
        fresh = signing.new_secret()
    values = {"webhook": f"whk_{secrets.token_hex(8)}", "url": url, "events": " ".join(sorted(set(events)))}
    values |= {"secret_env": secret_env}
    with database.begin() as connection:
        if (connection.scalar(sa.select(sa.func.count()).select_from(subscriptions)) or 0) >= MOST:
            raise UserError(f"there are {MOST} webhooks already", code="too_many_webhooks", hint="remove one first")
        row = {**values, "process": process, "batch": batch, "created_ms": milliseconds()}
        connection.execute(sa.insert(subscriptions), [row])
    return find(database, values["webhook"]), fresh


def all_made(database: sa.Engine) -> Sequence[sa.Row[Any]]:
    """All subscriptions, the latest first."""
    with database.connect() as connection:
        return connection.execute(sa.select(subscriptions).order_by(subscriptions.c.created_ms.desc())).all()


def find(database: sa.Engine, webhook: str) -> sa.Row[Any]:
    """One subscription. Raises UserError."""
    with database.connect() as connection:
        row = connection.execute(sa.select(subscriptions).where(subscriptions.c.webhook == webhook)).one_or_none()
    if row is None:
        raise UserError(
            f"there is no webhook {shown(webhook)}",
            code="unknown_webhook",
            hint="`mcp-orchestrator webhooks list` shows those that there are",
        )
    return row


def change(
    database: sa.Engine, webhook: str, *, events: Sequence[str] | None = None, enabled: bool | None = None
) -> sa.Row[Any]:
    """Have it want other events, or none for a while. Raises UserError."""
    find(database, webhook)
    values: dict[str, Any] = {}
    if events is not None:
        if not events or set(events) - set(KINDS):
            raise UserError("there are no such events", hint=f"name some of {', '.join(KINDS)}")
        values["events"] = " ".join(sorted(set(events)))
    if enabled is not None:
        values["disabled"] = None if enabled else "switched off"
    if values:
        with database.begin() as connection:
            chosen = sa.update(subscriptions).where(subscriptions.c.webhook == webhook)
            connection.execute(chosen.values(values))
    return find(database, webhook)


def remove(database: sa.Engine, webhook: str) -> sa.Row[Any]:
    """Forget a subscription and what was to be sent there. Raises UserError."""
    row = find(database, webhook)
    with database.begin() as connection:
        connection.execute(sa.delete(subscriptions).where(subscriptions.c.webhook == webhook))
        connection.execute(sa.delete(deliveries).where(deliveries.c.webhook == webhook))
    return row


def test(database: sa.Engine, webhook: str) -> sa.Row[Any]:
    """Note an event for this one alone, to be delivered as all are; gives the delivery. Raises UserError."""
    find(database, webhook)
    event = Event(kind=TEST, data={"webhook": webhook})
    with database.begin() as connection:
        delivery = outbox.deliver(connection, database, webhook, event)
    return find_delivery(database, delivery)


def find_delivery(database: sa.Engine, delivery: str) -> sa.Row[Any]:
    """One delivery. Raises UserError."""
    with database.connect() as connection:
        row = connection.execute(sa.select(deliveries).where(deliveries.c.delivery == delivery)).one_or_none()
    if row is None:
        raise UserError(
            f"there is no delivery {shown(delivery)}",
            code="unknown_delivery",
            hint="`mcp-orchestrator webhooks dead` shows those that were given up",
        )
    return row


def found(
    database: sa.Engine,
    *,
    webhook: str | None = None,
    state: str | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 100,
) -> Sequence[sa.Row[Any]]:
    """Deliveries, the latest first; those of a subscription, or in a state."""
    place = sa.tuple_(deliveries.c.created_ms, deliveries.c.delivery)
    query = sa.select(deliveries).order_by(deliveries.c.created_ms.desc(), deliveries.c.delivery.desc()).limit(limit)
    if webhook is not None:
        query = query.where(deliveries.c.webhook == webhook)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if before is not None:
        query = query.where(place < before)
    with database.connect() as connection:
        return connection.execute(query).all()


def redeliver(database: sa.Engine, named: str) -> int:
    """Have a dead delivery, or all dead ones of a webhook, tried anew, under the ids of their events; how many.

    A webhook that was disabled is enabled again. Raises UserError.
    """
    if named.startswith("whk_"):
        webhook, chosen = find(database, named).webhook, deliveries.c.webhook == named
    else:
        row = find_delivery(database, named)
        if row.state != "dead":
            raise UserError(
                f"the delivery {named} is {row.state}", code="wrong_state", hint="only dead ones are tried anew"
            )
        webhook, chosen = row.webhook, deliveries.c.delivery == named
    values = {"state": "due", "attempts": 0, "due_ms": milliseconds(), "ended_ms": None}
    with database.begin() as connection:
        connection.execute(sa.update(subscriptions).where(subscriptions.c.webhook == webhook).values(disabled=None))
        again = sa.update(deliveries).where(chosen, deliveries.c.state == "dead").values(values)
        return connection.execute(again).rowcount
