"""Looks at the rules from time to time, in one process at a time, and tells of what changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.alerting import conditions, notifying, states
from mcp_codegen.orchestrator.alerting.notifying import LISTENER, Listener, Send
from mcp_codegen.orchestrator.alerting.rules import Rules
from mcp_codegen.orchestrator.alerting.states import Alert
from mcp_codegen.orchestrator.durable import database as databases
from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.errors import UserError

LOOK_SECONDS = 5.0
ASIDE_SECONDS = 15.0
"""How soon another process takes over from one that ended."""
FIRST_WAIT_MS, LONGEST_WAIT_MS = 5_000, 300_000
"""Until a destination that did not answer is tried again; doubled each time."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """The rules, and who is told."""

    database: sa.Engine
    rules: Rules
    send: Send
    listeners: Sequence[Listener] = ()

    def look(self, now_ms: int) -> None:
        """Look once: what changed is remembered first, and told then."""
        known = {(alert.rule, alert.subject): alert for alert in states.every(self.database)}
        listeners = [LISTENER] if self.listeners else []
        names = [*self.rules.destinations]
        for rule in self.rules.rules:
            found = {each.subject: each for each in conditions.look(self.database, rule, now_ms)}
            subjects = {subject for name, subject in known if name == rule.name} | found.keys()
            for subject in sorted(subjects):
                before = known.get((rule.name, subject))
                alert = states.after(before, rule, found.get(subject), names, now_ms)
                if alert is None or alert == before:
                    continue
                if alert.told_ms is not None and (before is None or alert.told_ms != before.told_ms):
                    alert = replace(alert, untold=",".join(filter(None, [alert.untold, *listeners])))
                    logger.warning("alert %s: %s", alert.state, alert.text, extra={"alert": alert.rule})
                states.keep(self.database, alert)
        self._drop(known.values(), now_ms)
        for alert in states.untold(states.every(self.database), now_ms):
            self._tell(alert, now_ms)

    def _drop(self, known: Iterable[Alert], now_ms: int) -> None:
        """Alerts of rules that the file has no more are over; nobody is told."""
        names = {rule.name for rule in self.rules.rules}
        for alert in known:
            if alert.rule not in names and alert.state != "resolved":
                states.keep(self.database, replace(alert, state="resolved", since_ms=now_ms, untold=""))

    def _tell(self, alert: Alert, now_ms: int) -> None:
        what = notifying.notice(alert)
        for name in alert.untold.split(","):
            if self._is_told(name, what):
                left = [each for each in alert.untold.split(",") if each != name]
                alert = replace(alert, untold=",".join(left))
                states.keep(self.database, alert)  # at once: who was told is not told again after a kill
        if alert.untold:
            wait = min(FIRST_WAIT_MS * 2 ** min(alert.tries, 10), LONGEST_WAIT_MS)
            states.keep(self.database, replace(alert, tries=alert.tries + 1, next_ms=now_ms + wait))
            logger.warning("alert %s could not be told to %s", alert.rule, alert.untold)

    def _is_told(self, name: str, what: notifying.Notice) -> bool:
        try:
            if name != LISTENER:
                return self.send(name, what)
            for listener in self.listeners:
                listener(what)
        except Exception as error:  # whatever tells it may raise anything; it is tried again
            logger.debug("an alert could not be told: %s", type(error).__name__)
            return False
        return True


@contextmanager
def kept(watch: Watch, *, seconds: float = LOOK_SECONDS) -> Iterator[None]:
    """Look at the rules in a thread as long as the block lasts, unless another process does so already."""
    stopped = threading.Event()
    thread = threading.Thread(target=run, args=(watch, stopped, seconds), name="alerts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(LOOK_SECONDS)


def run(watch: Watch, stopped: threading.Event, seconds: float = LOOK_SECONDS) -> None:
    """Look until it is stopped; wait aside while another process looks."""
    while not stopped.is_set():
        try:
            with databases.reserved(watch.database, "alerts"):
                while not stopped.is_set():
                    watch.look(milliseconds())
                    stopped.wait(seconds)
        except UserError:
            stopped.wait(ASIDE_SECONDS)
        except (SQLAlchemyError, OSError) as error:  # the file that is locked is on a disk
            logger.warning("the rules of alerts cannot be looked at: %s", type(error).__name__)
            stopped.wait(ASIDE_SECONDS)
