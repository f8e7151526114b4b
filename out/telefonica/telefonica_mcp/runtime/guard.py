"""What stands before one upstream: places for its calls, a circuit breaker, and a budget of retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from ..errors import ApiError, NotConfigured, Unreachable, UpstreamFailed
from .admission import Admission, Limits
from .breaking import Circuit, CircuitBreaker
from .retrying import Retry, RetryBudget, persist

T = TypeVar("T")


@dataclass(slots=True)
class Guard:
    """Of one gateway, for all its calls."""

    admission: Admission
    circuit: Circuit
    budget: RetryBudget = field(default_factory=RetryBudget)

    @classmethod
    def of(cls, limits: Limits, breaker: CircuitBreaker) -> Guard:
        """A new one."""
        return cls(Admission(limits), Circuit(breaker))

    async def call(self, attempt: Callable[[int], Awaitable[T]], retry: Retry, seconds: float, what: str) -> T:
        """What an attempt gives, within the time of the whole call. Raises `ApiError`, and `TimeoutError`.

        attempt: is told which one it is, from 1. seconds: of the whole call. what: for the log.
        No attempt holds its place while it waits for the next.
        """
        with anyio.fail_after(seconds) as time:

            def is_failure(error: BaseException) -> bool | None:
                if isinstance(error, ApiError):
                    known = not isinstance(error, NotConfigured)
                    return isinstance(error, Unreachable | UpstreamFailed) if known else None
                return True if anyio.current_time() >= time.deadline else None

            async def admitted(number: int) -> T:
                async with self.admission.place():
                    with self.circuit.watch(is_failure):
                        return await attempt(number)

            return await persist(admitted, retry, self.budget, seconds, what)
