"""A circuit breaker: an upstream that fails is left alone for a while, then tried by one call at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import Suspended


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """When calls are suspended: as soon as `failure_rate` of the last `window` calls failed, `minimum` at least.

    seconds: how long. Then one call is let through, a probe: its success lets all through, its failure suspends again.
    """

    window: int = 20
    minimum: int = 10
    failure_rate: float = 0.5
    seconds: float = 30.0


NEVER_OPEN = CircuitBreaker(failure_rate=2.0)
"""A share that no failures reach."""


@dataclass(slots=True)
class Circuit:
    """The state of one upstream's breaker. Well-kept libraries let every waiting call through as a probe; this, one."""

    breaker: CircuitBreaker
    clock: Callable[[], float] = time.monotonic
    _failed: deque[bool] = field(init=False)
    _until: float = 0.0
    _is_open: bool = False
    _is_probing: bool = False

    def __post_init__(self) -> None:
        self._failed = deque(maxlen=self.breaker.window)

    @contextmanager
    def watch(self, is_failure: Callable[[BaseException], bool | None]) -> Iterator[None]:
        """Let a call through and learn from its end. Raises `Suspended` instead.

        is_failure: whether an error is one of the upstream; None for what says nothing of its health.
        """
        is_probe = self._admit()
        try:
            yield
        except BaseException as error:
            if (failed := is_failure(error)) is not None:
                self._learn(failed=failed, is_probe=is_probe)
            raise
        else:
            self._learn(failed=False, is_probe=is_probe)
        finally:
            if is_probe:
                self._is_probing = False

    def _admit(self) -> bool:
        if not self._is_open:
            return False
        wait = self._until - self.clock()
        if wait > 0 or self._is_probing:
            hint = "Many of its last calls failed. Try again later."
            raise Suspended("Nothing was sent: the API is given time to recover.", hint, retry_after=max(wait, 1.0))
        self._is_probing = True
        return True

    def _learn(self, *, failed: bool, is_probe: bool) -> None:
        if self._is_open and not is_probe:
            return  # it was sent before the others failed
        self._failed.append(failed)
        failures, calls = sum(self._failed), len(self._failed)
        if is_probe and not failed:
            self._is_open = False
            self._failed.clear()
        elif is_probe or (calls >= self.breaker.minimum and failures >= self.breaker.failure_rate * calls):
            self._is_open = True
            self._until = self.clock() + self.breaker.seconds
