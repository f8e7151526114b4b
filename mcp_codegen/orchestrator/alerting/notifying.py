"""Whom alerts are told to: apprise's services (e-mail, Teams, Slack, …), and what else listens, such as webhooks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from mcp_codegen.orchestrator.alerting.rules import Rules
from mcp_codegen.orchestrator.alerting.states import Alert
from mcp_codegen.orchestrator.durable import outbox
from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.moments import told

LISTENER = "listeners"
"""Stands among the destinations that have still to hear of an alert, for what else listens."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of an alert. `id` is the same whenever the same is told again."""

    id: str
    rule: str
    subject: str
    state: str
    """`firing` or `resolved`."""
    severity: str
    text: str
    time: str


Listener = Callable[[Notice], None]
"""Told of each notice, at least once: what it raises is told again later. Webhooks send it as an event `alert`."""

Send = Callable[[str, Notice], bool]
"""Tells one destination; false where it did not get through."""


def notice(alert: Alert) -> Notice:
    """What is told of an alert now."""
    moment = alert.told_ms or alert.since_ms
    return Notice(
        id=f"{alert.rule}:{alert.subject}:{alert.state}:{moment}",
        rule=alert.rule,
        subject=alert.subject,
        state=alert.state,
        severity=alert.severity,
        text=alert.text,
        time=told(moment) or "",
    )


def webhooks(database: sa.Engine) -> Listener:
    """Notes each notice as an event `alert` for webhooks, once however often it is told."""

    def note(what: Notice) -> None:
        outbox.alert(
            database,
            rule=what.rule,
            state=what.state,
            severity=what.severity,
            message=what.text,
            subject=what.subject,
            key=what.id,
        )

    return note


def sender(rules: Rules, environ: Mapping[str, str]) -> Send:
    """Tells the destinations of a file. Raises UserError for an environment in which one of them has no URL."""
    urls = {name: environ.get(variable, "").strip() for name, variable in rules.destinations.items()}
    if missing := sorted(rules.destinations[name] for name, url in urls.items() if not url):
        raise UserError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: an alert's destination has no URL",
            hint="set it to an apprise URL, such as mailto://… or msteams://…",
        )
    try:
        import apprise  # noqa: PLC0415 - the extra
    except ImportError as error:
        if not urls:
            return lambda _name, _notice: True
        raise UserError(
            "alerts need the extra `alerts`", hint="install it: pip install 'mcp-codegen[alerts]'"
        ) from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may show parts of URLs
    reached: dict[str, apprise.Apprise] = {}
    for name, url in urls.items():
        reached[name] = apprise.Apprise()
        if not reached[name].add(url):
            raise UserError(f"{rules.destinations[name]} holds no URL that apprise knows")

    def send(name: str, what: Notice) -> bool:
        if name not in reached:  # the file has changed since
            return True
        kind = apprise.NotifyType.SUCCESS if what.state == "resolved" else apprise.NotifyType.WARNING
        kind = apprise.NotifyType.FAILURE if what.state == "firing" and what.severity == "critical" else kind
        title = f"[{what.severity if what.state == 'firing' else 'resolved'}] {what.rule}"
        return bool(reached[name].notify(body=what.text, title=title, notify_type=kind))

    return send
