"""What changes, told to all who listen: the database is asked once for all of them, and only while somebody listens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable import changes, lookup
from mcp_codegen.orchestrator.durable.tables import batches, runs
from mcp_codegen.orchestrator.service import views
from mcp_codegen.orchestrator.service.problems import Refusal

LOOK_SECONDS = 0.5
"""How often the database is asked for changes."""
PAGE = 500
"""Changes that are read at a time."""
WAITING = 2000
"""Events that may wait for one listener; one that does not keep up is hung up on, and goes on where it was."""
LISTENERS = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """A run or a batch as it is now."""

    number: int
    """Where to go on after it: everything up to there was told before."""
    kind: str
    """`run` or `batch`."""
    view: BaseModel


@dataclass(eq=False)
class Listener:
    """Somebody who listens, to one batch or one process or to all. None in the queue says that there is no more."""

    batch: str | None = None
    process: str | None = None
    queue: asyncio.Queue[Event | None] = field(default_factory=asyncio.Queue)
    ended: bool = False

    def wants(self, event: Event) -> bool:
        """Whether it asked for such events."""
        asked = {"batch": self.batch, "process": self.process}
        return all(value is None or getattr(event.view, name) == value for name, value in asked.items())

    def offer(self, event: Event) -> None:
        """Let the event wait; where too many do, there are no more."""
        if not self.ended and self.wants(event):
            self.queue.put_nowait(event)
            if self.queue.qsize() >= WAITING:
                self.end()

    def end(self) -> None:
        """Say that there is no more."""
        self.ended = True
        self.queue.put_nowait(None)


class Feed:
    """Follows the database while somebody listens. Lives in one event loop."""

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def check(self) -> None:
        """That one more may listen. Raises `Refusal`."""
        if self._closed or len(self._listeners) >= LISTENERS:
            raise Refusal(503, "too many listen already", code="busy", headers={"Retry-After": "10"})

    @contextmanager
    def told(self, listener: Listener) -> Iterator[None]:
        """Tell the listener what changes, as long as the block lasts."""
        if self._closed:
            listener.end()
        self._listeners.add(listener)
        if self._task is None:
            self._task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    def close(self) -> None:
        """There is no more: the service is being stopped."""
        self._closed = True
        for listener in self._listeners:
            listener.end()

    async def backlog(self, number: int) -> AsyncIterator[Event]:
        """What has changed after that number, as it is now."""
        trail = Trail(self._database, number)
        while events := await asyncio.to_thread(trail.look):
            for event in events:
                yield event

    async def _follow(self) -> None:
        trail = None
        while True:
            try:
                if trail is None:
                    latest = await asyncio.to_thread(changes.latest, self._database, runs, batches)
                    trail = Trail(self._database, latest)
                for event in await asyncio.to_thread(trail.look):
                    for listener in tuple(self._listeners):
                        listener.offer(event)
            except SQLAlchemyError as error:  # it may be away for a while
                logger.warning("changes cannot be followed: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)


class Trail:
    """Follows changes from a number on; those too whose transactions end late (see `changes.LATE_SECONDS`)."""

    def __init__(self, database: sa.Engine, number: int) -> None:
        self._database = database
        self._late = changes.LATE_SECONDS if database.dialect.name == "postgresql" else 0.0
        self._number = number
        self._safe: deque[tuple[float, int]] = deque([(time.monotonic(), number)])
        self._seen: set[tuple[int, str, str]] = set()

    def look(self) -> list[Event]:
        """What is new since the last look. Who heard only a part of it goes on before it, who heard all after it."""
        moment, begin = time.monotonic(), self._safe[0][1]
        late = _changed(self._database, begin, self._number) if self._late else []
        fresh, self._number = _some(self._database, self._number)
        self._safe.append((moment, self._number))
        while len(self._safe) > 1 and self._safe[1][0] <= moment - self._late:
            self._safe.popleft()
        found = [each for each in [*late, *fresh] if self._note(*each)]
        self._seen = {each for each in self._seen if each[0] > self._safe[0][1]} if self._late else set()
        return _events(self._database, found, begin, self._safe[0][1])

    def _note(self, kind: str, row: sa.Row[Any]) -> bool:
        key = (row.change, kind, row[0])
        fresh = key not in self._seen
        self._seen.add(key)
        return fresh


_Change = tuple[str, sa.Row[Any]]
_TABLES = {"run": runs, "batch": batches}


def _changed(database: sa.Engine, after: int, until: int) -> list[_Change]:
    return [(kind, row) for kind, table in _TABLES.items() for row in changes.between(database, table, after, until)]


def _some(database: sa.Engine, after: int, most: int = PAGE) -> tuple[list[_Change], int]:
    """Changes after a number, not too many at a time, and the number up to which these are all."""
    pages = {kind: changes.between(database, table, after, limit=most) for kind, table in _TABLES.items()}
    full = [page[-1].change - 1 for page in pages.values() if len(page) == most]
    until = min(full) if full else max((page[-1].change for page in pages.values() if page), default=after)
    if full and until <= after:  # one statement changed more than that at once
        return _some(database, after, most * 4)
    return [(kind, row) for kind, page in pages.items() for row in page if row.change <= until], until


def _events(database: sa.Engine, found: Sequence[_Change], begin: int, end: int) -> list[Event]:
    """An event for each run that changed, then one for each batch that did, or whose runs did."""
    told: list[tuple[str, BaseModel]] = [("run", views.run(row, None)) for kind, row in found if kind == "run"]
    touched = sorted({row.batch for _, row in found if row.batch is not None})
    counted = lookup.counts(database, touched)
    told += [("batch", views.batch(row, counted[row.batch])) for row in lookup.batches_named(database, touched)]
    last = len(told) - 1
    return [Event(end if place == last else begin, kind, view) for place, (kind, view) in enumerate(told)]
