"""`/webhooks`: who is told of what, and what became of it; for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from mcp_codegen.orchestrator.durable.outbox import Kind
from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.service import paging
from mcp_codegen.orchestrator.service.guard import GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import Refusal, answers
from mcp_codegen.orchestrator.service.words import Cursor, Limit
from mcp_codegen.orchestrator.webhooks import subscriptions, telling

routes = APIRouter(tags=["webhooks"], route_class=GuardedRoute)

WebhookId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]+$", max_length=40, description="The webhook's id.")]
DeliveryId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]+$", max_length=40, description="The delivery's id.")]
REFUSED = {"destination_refused": 403, "too_many_webhooks": 409}

Kinds = Annotated[list[Kind], Field(min_length=1, max_length=10)]


class _Model(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class WebhookOrder(_Model):
    """A webhook to be."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid", strict=True)

    url: str = Field(max_length=2000, pattern=r"^https?://[A-Za-z0-9._:\[\]-]+(/[!-~]*)?$")
    """Where to send; https, and a public address unless the service allows others."""
    events: Kinds
    secret_env: str = Field(pattern=r"^WEBHOOK_SECRET[A-Z0-9_]{0,80}$")
    """The environment variable of the service that holds the secret."""
    process: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    """Only what is of this process."""
    batch: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)
    """Only what is of this batch."""


class WebhookChange(_Model):
    """What is to be otherwise; what is left out stays."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid", strict=True)

    events: Kinds | None = None
    enabled: bool | None = None


class WebhookView(_Model):
    """A webhook."""

    id: str
    url: str
    events: list[str]
    process: str | None
    batch: str | None
    secret_env: str
    """The name of the variable; its value is nowhere."""
    enabled: bool
    disabled_because: str | None
    created_at: datetime


class NewWebhook(WebhookView):
    """A webhook that was just made."""

    secret: str | None
    """A fresh secret where the variable is not set: shown this once, and kept nowhere."""


class WebhookList(_Model):
    """Webhooks, the latest first."""

    webhooks: list[WebhookView]


class DeliveryView(_Model):
    """What was sent to a webhook, or is to be."""

    id: str
    webhook: str
    event: str
    """The event's id: the header `webhook-id`."""
    type: str
    state: Literal["due", "delivered", "dead"]
    attempts: int
    created_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    status: int | None
    """HTTP's, of the last answer."""
    problem: str | None
    """Why the last attempt was not accepted."""


class DeliveryPage(_Model):
    """Deliveries, the latest first."""

    deliveries: list[DeliveryView]
    next: str | None


class Redelivered(_Model):
    """How many dead deliveries are tried anew."""

    redelivered: int


@routes.get("/webhooks", responses=answers(401, 403, 429), operation_id="list_webhooks")
def list_webhooks(service: Serving) -> WebhookList:
    """All webhooks."""
    return WebhookList(webhooks=[_view(row) for row in subscriptions.all_made(service.database)])


@routes.post("/webhooks", status_code=201, responses=answers(400, 401, 403, 409, 429), operation_id="add_webhook")
def add_webhook(order: WebhookOrder, service: Serving) -> NewWebhook:
    """Have a URL told of events, signed by Standard Webhooks."""
    try:
        row, secret = subscriptions.add(
            service.database,
            order.url,
            order.events,
            order.secret_env,
            allow=service.webhooks_allow,
            process=order.process,
            batch=order.batch,
        )
    except UserError as error:
        status = REFUSED.get(error.code, 422)
        raise Refusal(status, error.message, code=error.code, hint=error.hint) from error
    return NewWebhook(**telling.webhook(row), secret=secret)


@routes.get("/webhooks/{webhook}", responses=answers(401, 403, 404, 429), operation_id="get_webhook")
def get_webhook(webhook: WebhookId, service: Serving) -> WebhookView:
    """One webhook."""
    return _view(_found(service.database, webhook))


@routes.patch("/webhooks/{webhook}", responses=answers(400, 401, 403, 404, 429), operation_id="change_webhook")
def change_webhook(webhook: WebhookId, change: WebhookChange, service: Serving) -> WebhookView:
    """Have it told of other events, or of none for a while: what happens meanwhile is not sent later."""
    _found(service.database, webhook)
    return _view(subscriptions.change(service.database, webhook, events=change.events, enabled=change.enabled))


@routes.delete(
    "/webhooks/{webhook}", status_code=204, responses=answers(401, 403, 404, 429), operation_id="remove_webhook"
)
def remove_webhook(webhook: WebhookId, service: Serving) -> None:
    """Send nothing more there, and forget what was to be sent."""
    _found(service.database, webhook)
    subscriptions.remove(service.database, webhook)


@routes.post(
    "/webhooks/{webhook}/test", status_code=202, responses=answers(401, 403, 404, 429), operation_id="test_webhook"
)
def test_webhook(webhook: WebhookId, service: Serving) -> DeliveryView:
    """Have a `webhook.test` event sent to it, as all others are."""
    _found(service.database, webhook)
    return DeliveryView(**telling.delivery(subscriptions.test(service.database, webhook)))


@routes.get("/webhooks/{webhook}/deliveries", responses=answers(401, 403, 404, 429), operation_id="list_deliveries")
def list_deliveries(
    webhook: WebhookId,
    service: Serving,
    state: Annotated[Literal["dead", "delivered"] | None, Query(description="Those that ended so.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> DeliveryPage:
    """What was sent to it in the last days, or is to be."""
    _found(service.database, webhook)
    before = paging.place(cursor)
    rows = subscriptions.found(service.database, webhook=webhook, state=state, before=before, limit=limit)
    more = paging.write(rows[-1].created_ms, rows[-1].delivery) if len(rows) == limit else None
    return DeliveryPage(deliveries=[DeliveryView(**telling.delivery(row)) for row in rows], next=more)


@routes.post(
    "/webhooks/{webhook}/redeliver",
    status_code=202,
    responses=answers(401, 403, 404, 429),
    operation_id="redeliver_webhook",
)
def redeliver_webhook(webhook: WebhookId, service: Serving) -> Redelivered:
    """Have all its dead deliveries tried anew, and enable it where it was disabled."""
    row = _found(service.database, webhook)
    return Redelivered(redelivered=subscriptions.redeliver(service.database, row.webhook))


@routes.post(
    "/deliveries/{delivery}/redeliver",
    status_code=202,
    responses=answers(401, 403, 404, 409, 429),
    operation_id="redeliver",
)
def redeliver(delivery: DeliveryId, service: Serving) -> Redelivered:
    """Have a dead delivery tried anew; its event keeps its id."""
    try:
        row = subscriptions.find_delivery(service.database, delivery)
        return Redelivered(redelivered=subscriptions.redeliver(service.database, row.delivery))
    except UserError as error:
        status = 409 if error.code == "wrong_state" else 404
        raise Refusal(status, error.message, code=error.code, hint=error.hint) from error


def _found(database: sa.Engine, webhook: str) -> sa.Row[Any]:
    try:
        return subscriptions.find(database, webhook)
    except UserError as error:
        raise Refusal(404, error.message, code=error.code, hint="GET /webhooks lists those that there are") from error


def _view(row: sa.Row[Any]) -> WebhookView:
    return WebhookView(**telling.webhook(row))
