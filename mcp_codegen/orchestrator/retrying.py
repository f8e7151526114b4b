"""Attempts of a step: how many, how far apart, and what ends them."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mcp_codegen.orchestrator.errors import ApiFailure, MisuseError, describe, root_cause
from mcp_codegen.orchestrator.record import Attempt, Outcome, Stored, now

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often a step is tried when its error says that it may pass.

    The waits grow exponentially, with full jitter: each is drawn between nothing and `first_wait` · 2ⁿ, at most
    `longest_wait`. An API that says when to come back (Retry-After) is obeyed, and left alone where that is beyond the
    budget.
    """

    attempts: int = 4
    budget: float = 120.0
    """Seconds that all attempts and waits may take; none starts after that."""
    first_wait: float = 0.5
    longest_wait: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.budget, self.first_wait, self.longest_wait) < 0:
            raise MisuseError(f"{self!r}: at least one attempt, and no negative times")


ONCE, USUAL = Retry(attempts=1), Retry()


async def persist(
    retry: Retry,
    call: Callable[[], Awaitable[Stored]],
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Try until it succeeds, fails for good, or attempts or budget are used up. Raises `MisuseError`."""
    started_at, start = now(), clock()
    retried: list[Attempt] = []
    while True:
        begun, began = now(), clock()
        try:
            value, failure = await call(), None
        except (MisuseError, asyncio.CancelledError):
            raise
        except BaseException as raised:  # whatever a step raises is its outcome
            logger.debug("a step raised", exc_info=True)
            value, failure = Stored(), raised
        ended = clock()
        error = describe(failure) if failure is not None else None
        wait = _wait(retry, failure, len(retried), retry.budget - (ended - start)) if failure is not None else None
        if error is None or wait is None:
            return Outcome(
                started_at=started_at,
                duration=round(ended - start, 3),
                attempts=len(retried) + 1,
                retried=tuple(retried),
                value=value,
                error=error,
            )
        retried.append(Attempt(started_at=begun, duration=round(ended - began, 3), error=error, wait=round(wait, 3)))
        await pause(wait)


def _wait(retry: Retry, failure: BaseException, retries: int, left: float) -> float | None:
    """Seconds until the next attempt; None where there is none."""
    error = root_cause(failure)
    if retries + 1 >= retry.attempts or not isinstance(error, ApiFailure) or not error.retryable:
        return None
    wait = random.uniform(0, min(retry.longest_wait, retry.first_wait * 2**retries))  # noqa: S311 - no secret
    asked = error.retry_after if isinstance(error.retry_after, int | float) else 0.0
    wait += max(asked, 0.0)
    return wait if wait <= left else None
