"""The verb `alerts`: look at the rules, see what is an alert, and try out who is told."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from mcp_codegen.orchestrator import cli_batch, command_line
from mcp_codegen.orchestrator.errors import printable

EXIT_UNTOLD = 1
VARIABLE = "ORCHESTRATOR_ALERTS"

rules_option = click.option(
    "--rules",
    metavar="FILE",
    envvar=VARIABLE,
    type=click.Path(path_type=Path),
    required=True,
    help=f"The rules, in YAML. Also {VARIABLE}.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.group()
def alerts() -> None:
    """Alerts of its own: `serve --alerts FILE` looks at the rules in FILE, and tells of what changed."""


@alerts.command()
@rules_option
@cli_batch.database_option
@json_option
def check(rules: Path, database: str, as_json: bool) -> None:
    """Check the rules, and tell what they find now. Nobody is told, and nothing is remembered.

    \b
    Example:
      mcp-orchestrator alerts check --rules alerts.yaml
    """
    with _opening():
        from mcp_codegen.orchestrator.alerting import conditions, notifying  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.alerting import rules as reading  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - the same

        read = reading.read(rules)
        notifying.sender(read, os.environ)
        kept = databases.connect(database, create=False)
        ledger.prepare(kept)
        now = ledger.milliseconds()
        found = [(rule, each) for rule in read.rules for each in conditions.look(kept, rule, now)]
    if as_json:
        command_line.say(json.dumps([{"rule": rule.name} | asdict(each) for rule, each in found], indent=2))
        return
    many, bad = len(read.rules), [(rule, each) for rule, each in found if each.bad]
    lines = [f"{many} rule{'s' if many > 1 else ''}, {len(bad)} would be an alert now"]
    command_line.say("\n".join([*lines, *(printable(f"  {rule.name}  {each.text}") for rule, each in bad)]))


@alerts.command("list")
@click.option("--firing", is_flag=True, help="Only those that are firing.")
@cli_batch.database_option
@json_option
def list_alerts(firing: bool, database: str, as_json: bool) -> None:
    """Tell of the alerts that there are and were."""
    with _opening():
        from mcp_codegen.orchestrator.alerting import notifying, states  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - the same

        kept = databases.connect(database, create=False)
        ledger.prepare(kept)
        known = states.every(kept, "firing" if firing else None)
        told = [asdict(notifying.notice(alert)) for alert in known if alert.told_ms is not None]
    if as_json:
        command_line.say(json.dumps(told, indent=2))
    else:
        lines = [printable(f"{each['time']}  {each['state']}  {each['severity']}  {each['text']}") for each in told]
        command_line.say("\n".join(lines) or "no alerts")


@alerts.command()
@rules_option
def test(rules: Path) -> None:
    """Tell every destination that this is a test.

    \b
    Exit codes: 0 all were told, 1 some were not, 2 the rules or the environment are not right.
    """
    with _opening():
        from mcp_codegen.orchestrator.alerting import notifying  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.alerting import rules as reading  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.alerting.states import Alert  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable.ledger import milliseconds  # noqa: PLC0415 - the same

        read = reading.read(rules)
        send = notifying.sender(read, os.environ)
        what = notifying.notice(Alert("test", "test", "firing", "info", "This is a test.", milliseconds()))
        told = {name: send(name, what) for name in read.destinations}
    lines = [f"{'✓' if done else '✗'} {name}" for name, done in told.items()]
    command_line.say("\n".join(lines) or "the rules name no destination")
    sys.exit(0 if all(told.values()) else EXIT_UNTOLD)


@alerts.command()
@rules_option
@cli_batch.database_option
@command_line.log_format_option
def watch(rules: Path, database: str) -> None:
    """Look at the rules until it is stopped: for workers without a service. One process at a time does so."""
    command_line.set_up_logging(False)
    with _opening():
        from mcp_codegen.orchestrator.alerting import notifying, watching  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.alerting import rules as reading  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - the same

        read = reading.read(rules)
        send = notifying.sender(read, os.environ)
        kept = databases.connect(database)
        ledger.prepare(kept)
        command_line.say(f"{len(read.rules)} rules are looked at", sys.stderr)
        watching.run(watching.Watch(kept, read, send, [notifying.webhooks(kept)]), threading.Event())


@contextmanager
def _opening() -> Iterator[None]:
    with command_line.refusing():
        cli_batch.check_installed()
        yield
