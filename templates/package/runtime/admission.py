"""How many calls one upstream gets at a time, and how many may wait for their turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from ..errors import Busy
from .cutting import SHOWN_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """concurrent: calls at a time. queue: calls that wait. answer_bytes: of an answer that is passed on, unpacked.

    model_bytes: of its text, which is what models read.
    """

    concurrent: int = 100
    queue: int = 1_000
    answer_bytes: int = 256_000
    model_bytes: int = SHOWN_BYTES


@dataclass(slots=True)
class Admission:
    """The places at one upstream: whoever comes first is served first, and whom the queue has no room for is told."""

    limits: Limits
    _places: anyio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = anyio.Semaphore(self.limits.concurrent, fast_acquire=True)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, for as long as a request takes. Raises `Busy`."""
        if self._places.value == 0 and self._places.statistics().tasks_waiting >= self.limits.queue:
            message = f"Nothing was sent: {self.limits.concurrent} calls are under way and {self.limits.queue} wait."
            raise Busy(message, "Try again later, or raise the gateway's limits in the catalog.", retry_after=1.0)
        async with self._places:
            yield
