"""The verb `webhooks`: who is told of what, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mcp_codegen.orchestrator import cli_batch, cli_deliver, cli_keys, command_line
from mcp_codegen.orchestrator.cli_keys import json_option
from mcp_codegen.orchestrator.errors import UserError, printable

if TYPE_CHECKING:
    import sqlalchemy as sa

KINDS = ("run.succeeded", "run.failed", "step.failed", "batch.finished", "alert")


@click.group()
def webhooks() -> None:
    """Webhooks: who is told of runs, batches and alerts, signed and delivered until it is accepted."""


webhooks.add_command(cli_deliver.deliver)


@webhooks.command("add")
@click.argument("url", metavar="URL")
@click.option("--on", "events", type=click.Choice(KINDS), multiple=True, required=True, help="Repeat it for several.")
@click.option("--secret-env", metavar="VARIABLE", required=True, help="Where its secret is: WEBHOOK_SECRET_….")
@click.option("--process", metavar="NAME", help="Only what is of this process.")
@click.option("--batch", metavar="NAME", help="Only what is of this batch.")
@cli_deliver.allow_option
@cli_batch.database_option
@json_option
def add_webhook(  # noqa: PLR0917 - click passes them by name
    url: str,
    events: tuple[str, ...],
    secret_env: str,
    process: str | None,
    batch: str | None,
    webhooks_allow: tuple[str, ...],
    database: str,
    as_json: bool,
) -> None:
    """Have URL told of events. Where VARIABLE is not set, a fresh secret for it is shown, this once.

    \b
    Example:
      mcp-orchestrator webhooks add https://hooks.example.com/runs --on run.failed --secret-env WEBHOOK_SECRET_OPS
    """
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.webhooks import destinations, subscriptions, telling  # noqa: PLC0415

        allow = destinations.allowed(webhooks_allow)
        row, secret = subscriptions.add(kept, url, events, secret_env, allow=allow, process=process, batch=batch)
        _note(kept, "webhooks add", row.webhook)
    told = telling.webhook(row)
    if as_json:
        command_line.say(json.dumps(told | {"secret": secret}, indent=2))
        return
    command_line.say(telling.webhook_line(told))
    if secret:
        command_line.say(
            f"{secret_env}={secret}\nIt is not shown again and kept nowhere: set it where webhooks are delivered, "
            "and give it to the receiver."
        )


@webhooks.command("list")
@cli_batch.database_option
@json_option
def list_webhooks(database: str, as_json: bool) -> None:
    """All webhooks, the latest first."""
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.webhooks import subscriptions, telling  # noqa: PLC0415

        told = [telling.webhook(row) for row in subscriptions.all_made(kept)]
    _say(told, telling.webhook_line, "no webhooks", as_json)


@webhooks.command("remove")
@click.argument("webhook", metavar="WEBHOOK")
@cli_batch.database_option
@json_option
def remove_webhook(webhook: str, database: str, as_json: bool) -> None:
    """Send nothing more there, and forget what was to be sent."""
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.webhooks import subscriptions, telling  # noqa: PLC0415

        told = telling.webhook(subscriptions.remove(kept, webhook))
        _note(kept, "webhooks remove", webhook)
    _say(told, telling.webhook_line, "", as_json)


@webhooks.command("test")
@click.argument("webhook", metavar="WEBHOOK")
@cli_batch.database_option
@json_option
def test_webhook(webhook: str, database: str, as_json: bool) -> None:
    """Have a `webhook.test` event sent there, by whoever delivers; `webhooks dead` and `deliveries` tell of it."""
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.webhooks import subscriptions, telling  # noqa: PLC0415

        told = telling.delivery(subscriptions.test(kept, webhook))
        _note(kept, "webhooks test", webhook)
    _say(told, telling.delivery_line, "", as_json)


@webhooks.command("deliveries")
@click.option("--webhook", metavar="WEBHOOK", help="Those to it.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@cli_batch.database_option
@json_option
def list_deliveries(webhook: str | None, limit: int, database: str, as_json: bool) -> None:
    """What was sent or is to be, the latest first."""
    _list(database, webhook, None, limit, as_json)


@webhooks.command("dead")
@click.option("--webhook", metavar="WEBHOOK", help="Those to it.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@cli_batch.database_option
@json_option
def list_dead(webhook: str | None, limit: int, database: str, as_json: bool) -> None:
    """What was given up, the latest first, and why."""
    _list(database, webhook, "dead", limit, as_json)


@webhooks.command("redeliver")
@click.argument("named", metavar="DELIVERY|WEBHOOK")
@cli_batch.database_option
@json_option
def redeliver(named: str, database: str, as_json: bool) -> None:
    """Try a dead delivery anew, or all dead ones of a webhook; the events keep their ids."""
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.webhooks import subscriptions  # noqa: PLC0415

        many = subscriptions.redeliver(kept, named)
        _note(kept, "webhooks redeliver", named)
    command_line.say(json.dumps({"redelivered": many}) if as_json else f"{many} to be delivered again")


@contextmanager
def _opened(database: str) -> Iterator[sa.Engine]:
    with command_line.refusing():
        cli_deliver.check_installed()
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - the same

        kept = databases.connect(database)
        ledger.prepare(kept)
        yield kept


def _list(database: str, webhook: str | None, state: str | None, limit: int, as_json: bool) -> None:
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.webhooks import subscriptions, telling  # noqa: PLC0415

        rows = subscriptions.found(kept, webhook=webhook, state=state, limit=limit)
        told = [telling.delivery(row) for row in rows]
    _say(told, telling.delivery_line, "no dead deliveries" if state else "no deliveries", as_json)


def _say(
    told: list[dict[str, Any]] | dict[str, Any], line: Callable[[dict[str, Any]], str], none: str, as_json: bool
) -> None:
    if as_json:
        command_line.say(json.dumps(told, indent=2))
        return
    lines = [line(each) for each in (told if isinstance(told, list) else [told])]
    command_line.say("\n".join(map(printable, lines)) or none)


def _note(kept: sa.Engine, action: str, target: str) -> None:
    """Where the service is installed, its audit log tells of it."""
    try:
        cli_keys.check_installed()
    except UserError:
        return
    from mcp_codegen.orchestrator.service import tables  # noqa: PLC0415 - needs the extra

    tables.prepare(kept)
    cli_keys.note(kept, action, target)
