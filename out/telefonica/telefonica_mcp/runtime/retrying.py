"""Another attempt after a failure that passes by itself, where a call may be made twice."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import uniform
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from ..errors import ApiError, RateLimited, Unreachable, UpstreamFailed

logger = logging.getLogger(__name__)

T = TypeVar("T")
TOO_MANY = 429
MOST_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is attempted in all, and how long it waits in between.

    first, longest: seconds; each wait is a random time up to a bound that doubles ("full jitter"), or longer where
    the upstream's Retry-After says so. statuses: the failures that pass by themselves, beside a broken connection.
    """

    attempts: int = 3
    first: float = 0.5
    longest: float = 8.0
    statuses: tuple[int, ...] = (TOO_MANY, 502, 503, 504)

    def covers(self, error: BaseException) -> bool:
        """Whether another attempt may help."""
        if isinstance(error, RateLimited | UpstreamFailed):
            return error.status in self.statuses
        return isinstance(error, Unreachable)


NEVER = Retry(attempts=1)


@dataclass(slots=True)
class RetryBudget:
    """Retries that one upstream is spared: they may not add much to its load while it fails.

    Each success earns a tenth of a retry, each failure costs one, and retries stop while less than half is left
    (retry throttling, gRPC proposal A6).
    """

    most: float = 20.0
    earned: float = 0.1
    left: float = 20.0

    def succeed(self) -> None:
        """A call was answered."""
        self.left = min(self.most, self.left + self.earned)

    def fail(self) -> None:
        """A call failed in a way that retries cover."""
        self.left = max(0.0, self.left - 1)

    @property
    def allows(self) -> bool:
        """Whether a retry may be sent now."""
        return self.left > self.most / 2


async def persist(
    attempt: Callable[[int], Awaitable[T]], retry: Retry, budget: RetryBudget, seconds: float, what: str
) -> T:
    """What one of the attempts gives, each told which one it is. seconds: of the whole call. what: for the log.

    Raises the last attempt's error, which knows how many there were.
    """
    done, begun = 0, anyio.current_time()

    async def counted() -> T:
        nonlocal done
        done += 1
        try:
            given = await attempt(done)
        except ApiError as error:
            error.attempts = done
            if retry.covers(error):
                budget.fail()
            raise
        budget.succeed()
        return given

    try:
        return await counted()
    except ApiError as error:
        if retry.attempts == 1 or not retry.covers(error):
            raise
        failed = error
    left = seconds - (anyio.current_time() - begun)
    return await _again(counted, failed, retry, budget, seconds=left, what=what)


async def _again(
    attempt: Callable[[], Awaitable[T]],
    failed: ApiError,
    retry: Retry,
    budget: RetryBudget,
    *,
    seconds: float,
    what: str,
) -> T:
    """What an attempt after the first gives. failed: how that one ended. seconds: that are left of the call."""
    first = [failed]
    jitter = wait_random_exponential(multiplier=retry.first, max=retry.longest)

    async def attempted() -> T:
        if first:  # tenacity counts it, though it was made without: most calls never need another
            raise first.pop()
        return await attempt()

    def note(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        code = f"{getattr(error, 'code', '')} {getattr(error, 'status', None) or ''}".strip()
        said = "%s: attempt %d failed (%s); again in %.1f s"
        logger.warning(said, what, state.attempt_number, code, state.upcoming_sleep)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, "retry_after", None)
        return jitter(state) if asked is None else asked + uniform(0, retry.first)  # noqa: S311 - no secret

    return await AsyncRetrying(
        sleep=anyio.sleep,
        stop=stop_after_attempt(retry.attempts) | stop_before_delay(seconds),
        wait=wait,
        retry=retry_if_exception(lambda error: retry.covers(error) and budget.allows),
        before_sleep=note,
        reraise=True,
    )(attempted)
