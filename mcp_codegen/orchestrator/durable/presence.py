"""A worker's sign of life: a thread that renews it, and ends a process that others have taken for dead.

What workers do for each other has a thread of its own: it may wait for the database longer than a sign of life is good.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable import workers
from mcp_codegen.orchestrator.durable.workers import Worker

logger = logging.getLogger(__name__)

RECOVERY_SECONDS = 15.0
"""Within this time after a worker's death others go on with its runs; the longest time that one may stand still."""
BEATS = 6
"""Signs of life in that time; dead is who gives none for two thirds of it."""
EXIT_FENCED = 75
"""As sysexits.h has it: a failure that passes; a supervisor starts the worker anew."""
LOOK_SECONDS = 0.05


class Presence:
    """Whether this process may still take itself for alive."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """How long a sign of life is good for."""
        self._until = self._until_by_the_clock = math.inf
        self._steady_from = 0.0
        self.over = threading.Event()
        """Set when the process leaves by itself: from then on a row that is gone means nothing."""

    def extend(self, since: float) -> None:
        """Note a sign of life that was given no earlier than that, by the monotonic clock."""
        moment = time.monotonic()
        if not self._good():
            self._steady_from = moment + self.seconds
        self._until = since + self.seconds
        self._until_by_the_clock = time.time() + self._until - moment

    @property
    def steady(self) -> bool:
        """Whether those of whom nothing was heard are dead: where ours was late, theirs may be, for the same reason."""
        return self._steady_from <= time.monotonic() and self._good()

    def _good(self) -> bool:
        """Whether the last sign of life is good. The monotonic clock stands still while a machine is suspended."""
        return time.monotonic() < self._until and time.time() < self._until_by_the_clock

    async def certain(self) -> None:
        """Wait, where that is in doubt: the thread's next look at the database tells, or ends the process."""
        while not self._good():  # noqa: ASYNC110 - what ends it happens in a thread
            await asyncio.sleep(LOOK_SECONDS)


def end_process() -> None:
    """End at once: others have this process's runs, and whatever it did now would be done twice."""
    print("mcp-orchestrator: this worker stood still for too long, others have its runs; it ends", file=sys.stderr)
    sys.stderr.flush()
    os._exit(EXIT_FENCED)


@contextmanager
def kept_up(
    database: sa.Engine,
    worker: Worker,
    tend: Callable[[], None],
    *,
    recovery_seconds: float = RECOVERY_SECONDS,
    fenced: Callable[[], None] = end_process,
) -> Iterator[Presence]:
    """Give signs of life as long as the block lasts, and do as often what all workers share the duty of.

    What `tend` raises is logged, and done again at the next time.
    """
    beat = recovery_seconds / BEATS
    presence = Presence(beat * BEATS * 2 / 3)

    def enter() -> None:
        start = time.monotonic()
        workers.enter(database, worker, presence.seconds)
        presence.extend(start)

    def live() -> None:
        while not presence.over.wait(beat):
            try:
                start = time.monotonic()
                if not workers.renew(database, worker, presence.seconds):
                    if not presence.over.is_set():
                        fenced()
                    return
                presence.extend(start)
            except Exception:  # the database may be away for a while; nobody can take our runs meanwhile
                logger.debug("a sign of life failed", exc_info=True)

    def look_after() -> None:
        while not presence.over.wait(beat):
            try:
                if presence.steady:
                    tend()
            except Exception:
                logger.debug("what workers do for each other failed", exc_info=True)

    enter()
    threads = [threading.Thread(target=each, name="presence", daemon=True) for each in (live, look_after)]
    for thread in threads:
        thread.start()
    try:
        yield presence
    finally:
        presence.over.set()
        for thread in threads:
            thread.join(beat)
