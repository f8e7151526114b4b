"""Delivers what is due: hands it to the engine's queue, tries it, and notes how that went."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.durable.tables import deliveries, subscriptions
from mcp_codegen.orchestrator.durable.transact import Errands
from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.webhooks import posting, signing
from mcp_codegen.orchestrator.webhooks.destinations import Allowed
from mcp_codegen.orchestrator.webhooks.posting import Answer

QUEUE = "webhooks-out"
"""No process can have it: its name holds no hyphen."""
WAITS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0)
"""Seconds after each attempt that failed; after one more failure the delivery is dead. Two days and a half in all."""
JITTER = 0.1
"""Of each wait, so that not all come at once."""
IN_FLIGHT = 25
"""Of one webhook: a slow receiver does not keep the others waiting."""
CHUNK = 200
OVERDUE_MS = 600_000
"""What the engine has had for so long and is not done is queued anew. No attempt takes so long."""
KEPT_MS = 7 * 86_400_000
"""Delivered ones are kept so long, to be looked at; dead ones until they are redelivered or four times as long."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """What is needed to try a delivery."""

    database: sa.Engine
    environ: Mapping[str, str]
    """Where the secrets are."""
    allow: Allowed = field(default_factory=Allowed)
    waits: Sequence[float] = WAITS
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def attempt(self, errand: str) -> None:
        """Try a delivery once, and note how it went. An errand is the delivery and when it was due.

        Where a kill comes between the sending and the note, the same event is sent again under the same id.
        """
        delivery, _, due = errand.partition(":")
        row = await asyncio.to_thread(self._queued, delivery, int(due))
        if row is None:  # removed, tried by another, or another attempt has taken its place
            return
        if row.disabled is not None:
            answer, dead = Answer(problem=f"the webhook is disabled: {row.disabled}"), True
        else:
            answer, dead = await self._send(row), False
        await asyncio.to_thread(self._note, row, answer, dead=dead)

    async def _send(self, row: sa.Row[Any]) -> Answer:
        try:
            keys = signing.secrets_of(row.secret_env, self.environ)
        except UserError as error:
            return Answer(problem=f"not sent: {error.message}")
        headers = signing.headers(row.event, row.payload, keys)
        return await posting.post(row.url, row.payload, headers, self.allow, self.tls)

    def _queued(self, delivery: str, due_ms: int) -> sa.Row[Any] | None:
        columns = (subscriptions.c.url, subscriptions.c.secret_env, subscriptions.c.disabled)
        query = sa.select(deliveries, *columns).join(subscriptions, subscriptions.c.webhook == deliveries.c.webhook)
        with self.database.connect() as connection:
            return connection.execute(query.where(*_is(delivery, due_ms))).one_or_none()

    def _note(self, row: sa.Row[Any], answer: Answer, *, dead: bool) -> None:
        moment, attempts = milliseconds(), row.attempts + (not dead)
        values: dict[str, Any] = {"attempts": attempts, "status": answer.status, "problem": answer.problem or None}
        values["queued_ms"] = None
        if not answer.problem:
            values |= {"state": "delivered", "ended_ms": moment}
        elif dead or answer.gone or attempts > len(self.waits):
            values |= {"state": "dead", "ended_ms": moment}
        else:
            wait = max(self.waits[attempts - 1], answer.retry_after) * random.uniform(1, 1 + JITTER)  # noqa: S311
            values |= {"state": "due", "due_ms": max(moment + int(wait * 1000), row.due_ms + 1)}
        with self.database.begin() as connection:
            connection.execute(sa.update(deliveries).where(*_is(row.delivery, row.due_ms)).values(values))
            if answer.gone:
                chosen = sa.update(subscriptions).where(subscriptions.c.webhook == row.webhook)
                connection.execute(chosen.values(disabled="the receiver answered 410 Gone"))
        if values["state"] == "dead":
            logger.warning("the delivery %s was given up: %s", row.delivery, answer.problem)


def hand_over(database: sa.Engine, errands: Errands) -> int:
    """Give what is due to the engine, in one transaction with the note that it has it; how many. For a thread.

    Several processes may do so at the same time: the engine takes each attempt once.
    """
    moment = milliseconds()
    overdue = sa.and_(deliveries.c.state == "queued", deliveries.c.queued_ms < moment - OVERDUE_MS)
    due = sa.and_(deliveries.c.state == "due", deliveries.c.due_ms <= moment)
    with database.connect() as connection:
        if connection.execute(sa.select(deliveries.c.delivery).where(sa.or_(due, overdue)).limit(1)).first() is None:
            return 0
    with database.begin() as connection:
        if database.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        late = sa.update(deliveries).where(overdue)
        connection.execute(late.values(state="due", due_ms=deliveries.c.due_ms + 1, queued_ms=None))
        busy = Counter(_busy(connection))
        taken = []
        number = sa.func.row_number().over(partition_by=deliveries.c.webhook, order_by=deliveries.c.due_ms)
        ranked = sa.select(deliveries.c.delivery, number.label("number")).where(due).subquery()
        first = sa.select(ranked.c.delivery).where(ranked.c.number <= IN_FLIGHT)
        query = sa.select(deliveries).where(deliveries.c.delivery.in_(first)).order_by(deliveries.c.due_ms).limit(CHUNK)
        for row in connection.execute(query.with_for_update(skip_locked=True)).all():
            if busy[row.webhook] < IN_FLIGHT:
                busy[row.webhook] += 1
                taken.append(row.delivery)
                errands.put(connection, f"{row.delivery}:{row.due_ms}")
        chosen = sa.update(deliveries).where(deliveries.c.delivery.in_(taken), deliveries.c.state == "due")
        connection.execute(chosen.values(state="queued", queued_ms=moment))
    return len(taken)


def forget_old(database: sa.Engine) -> None:
    """Remove deliveries that ended long ago."""
    moment = milliseconds()
    with database.begin() as connection:
        for state, age in (("delivered", KEPT_MS), ("dead", 4 * KEPT_MS)):
            old = sa.and_(deliveries.c.state == state, deliveries.c.ended_ms < moment - age)
            connection.execute(sa.delete(deliveries).where(old))


def anything(database: sa.Engine) -> bool:
    """Whether there is a subscription: without one nothing can be due."""
    with database.connect() as connection:
        return connection.execute(sa.select(subscriptions.c.webhook).limit(1)).first() is not None


def _busy(connection: sa.Connection) -> dict[str, int]:
    query = sa.select(deliveries.c.webhook, sa.func.count().label("many")).where(deliveries.c.state == "queued")
    return {row.webhook: row.many for row in connection.execute(query.group_by(deliveries.c.webhook))}


def _is(delivery: str, due_ms: int) -> tuple[sa.ColumnElement[bool], ...]:
    return deliveries.c.delivery == delivery, deliveries.c.state == "queued", deliveries.c.due_ms == due_ms
