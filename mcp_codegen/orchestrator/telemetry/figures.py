"""Figures of the database: the same in every process that tells them, unlike those that a process counts itself.

Their names begin with `orchestrator.database`; over several processes take their maximum, not their sum.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable.queues import TURNS
from mcp_codegen.orchestrator.durable.tables import batches, now_ms, runs, workers
from mcp_codegen.orchestrator.durable.transact import History, history
from mcp_codegen.orchestrator.telemetry.metering import SCOPE

KEPT_SECONDS = 10.0
"""How long what was read is told again: runs are counted one by one."""

Figure = tuple[str, dict[str, str], float]
"""A metric's name without the prefix, its labels, its value."""

GAUGES = {
    "runs": ("{run}", "Runs that are remembered, by their state"),
    "queue.depth": ("{run}", "Runs that wait for their turn"),
    "queue.oldest": ("s", "How long the run that waits longest has waited"),
    "batches": ("{batch}", "Batches that are remembered, by their state"),
    "workers": ("{worker}", "Workers that are alive"),
}


@contextmanager
def told(database: sa.Engine) -> Iterator[None]:
    """Have the figures of a database told with the metrics of this process as long as the block lasts."""
    with history(database) as kept:
        if kept is not None:
            Figures(database, kept).observe()
        yield


@dataclass(slots=True)
class Figures:
    """Reads the figures, and remembers them for a while."""

    database: sa.Engine
    history: History
    clock: Callable[[], float] = time.monotonic
    _read: list[Figure] = field(default_factory=list)
    _until: float = 0.0

    def observe(self) -> None:
        """Have them told with the metrics of this process."""
        meter = metrics.get_meter(SCOPE)
        for name, (unit, about) in GAUGES.items():
            meter.create_observable_gauge(f"orchestrator.database.{name}", [self._observer(name)], unit, about)

    def _observer(self, wanted: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            for name, labels, value in self.read():
                if name == wanted:
                    yield Observation(value, labels)

        return observe

    def read(self) -> list[Figure]:
        """The figures as they were not long ago; none where the database cannot be asked."""
        if self.clock() >= self._until:
            try:
                self._read = [*self._runs(), *self._queues(), *self._others()]
            except SQLAlchemyError:
                self._read = []
            self._until = self.clock() + KEPT_SECONDS
        return self._read

    def _runs(self) -> Iterator[Figure]:
        count = sa.func.count()
        query = sa.select(runs.c.process, runs.c.status, count).group_by(runs.c.process, runs.c.status)
        with self.database.connect() as connection:
            for process, status, many in connection.execute(query):
                yield "runs", {"process": process, "state": status or "unfinished"}, many

    def _queues(self) -> Iterator[Figure]:
        words = {number: name for name, number in TURNS.items()}
        with self.database.connect() as connection:
            now = float(connection.scalar(sa.select(now_ms(self.database))) or 0)
        oldest: dict[str, float] = {}
        for queue, priority, many, since_ms in self.history.waiting():
            yield "queue.depth", {"queue": queue, "priority": words.get(priority, str(priority))}, many
            oldest[queue] = max(oldest.get(queue, 0.0), (now - since_ms) / 1000)
        for queue, seconds in oldest.items():
            yield "queue.oldest", {"queue": queue}, seconds

    def _others(self) -> Iterator[Figure]:
        count = sa.func.count()
        by_state = sa.select(batches.c.process, batches.c.state, count).group_by(batches.c.process, batches.c.state)
        living = sa.select(workers.c.queue, count).where(workers.c.expires_ms >= now_ms(self.database))
        with self.database.connect() as connection:
            for process, state, many in connection.execute(by_state):
                yield "batches", {"process": process, "state": state}, many
            for queue, many in connection.execute(living.group_by(workers.c.queue)):
                yield "workers", {"queue": queue}, many
