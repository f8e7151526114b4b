"""The verb `webhooks deliver`, and how other verbs start it."""

from __future__ import annotations

import asyncio
import sys

import click

from mcp_codegen.orchestrator import cli_batch, command_line
from mcp_codegen.orchestrator.errors import UserError, shown

MOST_WAITS = 30
LONGEST_WAIT = 7 * 86_400

allow_option = click.option(
    "--webhooks-allow",
    "webhooks_allow",
    metavar="CIDR|HOST",
    multiple=True,
    envvar="ORCHESTRATOR_WEBHOOKS_ALLOW",
    help="Where webhooks may go besides public https addresses: a network, an address or a name; also over http.",
)
backoff_option = click.option(
    "--webhooks-backoff",
    "webhooks_backoff",
    metavar="SECONDS,…",
    envvar="ORCHESTRATOR_WEBHOOKS_BACKOFF",
    help="Waits after each failed delivery; after one more it is dead. By default 5 s, 1 and 5 min, 30 min, 2 to 20 h.",
)


@click.command("deliver")
@cli_batch.database_option
@allow_option
@backoff_option
@click.option(
    "--recovery-time",
    metavar="SECONDS",
    type=click.FloatRange(3, 3600),
    default=15.0,
    show_default=True,
    envvar="ORCHESTRATOR_WEBHOOKS_RECOVERY_TIME",
    help="Within this time others go on with what this one had in flight should it die.",
)
@click.option("--until-input-ends", is_flag=True, hidden=True)
@command_line.debug_option
def deliver(  # noqa: PLR0917 - click passes them by name
    database: str,
    webhooks_allow: tuple[str, ...],
    webhooks_backoff: str | None,
    recovery_time: float,
    until_input_ends: bool,
    debug: bool,
) -> None:
    """Deliver until asked to stop. `serve` and `worker --webhooks` do so too; any number share the work.

    The environment holds the secrets of the webhooks.
    """
    command_line.set_up_logging(debug)
    with command_line.refusing():
        check_installed()
        from mcp_codegen.orchestrator.durable import worker_group  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.webhooks import deliver_verb, delivering, destinations  # noqa: PLC0415

        work = deliver_verb.Work(
            database=database,
            allow=destinations.allowed(webhooks_allow),
            waits=waits(webhooks_backoff) or delivering.WAITS,
            recovery_seconds=recovery_time,
        )
        if until_input_ends:
            worker_group.stop_when_input_ends()
        code = asyncio.run(deliver_verb.execute(work, lambda text: command_line.say(text, sys.stderr)))
    sys.exit(code)


def check_installed() -> None:
    """Refuse where the extra is missing, and say how to get it. Raises UserError."""
    cli_batch.check_installed()
    try:
        import standardwebhooks  # noqa: F401, PLC0415 - only whether it is there
    except ImportError as error:
        raise UserError(
            "webhooks need the extra `orchestrator`", hint="install it: pip install 'mcp-codegen[orchestrator]'"
        ) from error


def waits(text: str | None) -> tuple[float, ...]:
    """The waits that `--webhooks-backoff` names; none where it is not given. Raises UserError."""
    if not text:
        return ()
    try:
        found = tuple(float(word) for word in text.split(","))
    except ValueError:
        found = ()
    if not 0 < len(found) <= MOST_WAITS or not all(0 < each <= LONGEST_WAIT for each in found):
        raise UserError(
            f"--webhooks-backoff {shown(text)}: these are no waits", hint="write seconds with commas: 5,60,300,1800"
        )
    return found


def deliver_words(allow: tuple[str, ...], backoff: str | None) -> tuple[str, ...]:
    """The words of `webhooks deliver` for a program that starts it. Raises UserError for what it would refuse."""
    check_installed()
    from mcp_codegen.orchestrator.webhooks import destinations  # noqa: PLC0415 - needs the extra

    destinations.allowed(allow)
    waits(backoff)
    words = ["webhooks", "deliver", *(f"--webhooks-allow={each}" for each in allow)]
    return (*words, f"--webhooks-backoff={backoff}") if backoff else tuple(words)
