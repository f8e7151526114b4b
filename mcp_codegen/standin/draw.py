"""Choices that look random and are not: the same key and the same path give the same ones, in any process."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")

DIGEST_BITS: Final = 512
SPARE_BITS: Final = 64
"""What must be left over after a choice, so that no outcome is noticeably likelier than another."""


class Draw:
    """A stream of choices for one value; `at` gives each part of the value a stream of its own.

    A part's choices do not depend on those of its neighbours: adding a member to a type leaves the others as they were.
    Not `random.Random`: its choices may differ between versions of Python.
    """

    __slots__ = ("_key", "_last", "_left", "_pool")

    def __init__(self, key: bytes) -> None:
        self._key = self._last = blake2b(key).digest()
        self._pool = int.from_bytes(self._key, "big")
        self._left = 1 << DIGEST_BITS

    def at(self, part: str | int) -> Draw:
        """The choices of a part, named or counted."""
        name = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else b"\0%d" % part
        return Draw(self._key + name)

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        if self._left < count << SPARE_BITS:
            self._refill(count)
        self._left //= count
        self._pool, chosen = divmod(self._pool, count)
        return chosen

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both possible."""
        return low + self.below(high - low + 1)

    def one_of(self, choices: Sequence[T]) -> T:
        """One of them, each as likely as another."""
        return choices[self.below(len(choices))]

    def one_in(self, count: int) -> bool:
        """True once in so many times."""
        return self.below(count) == 0

    def digits(self, count: int) -> str:
        """As many decimal digits, the first not 0."""
        return str(self.between(10 ** (count - 1), 10**count - 1))

    def _refill(self, count: int) -> None:
        self._pool, self._left = 0, 1
        while self._left < count << SPARE_BITS:
            self._last = blake2b(self._last).digest()
            self._pool = self._pool << DIGEST_BITS | int.from_bytes(self._last, "big")
            self._left <<= DIGEST_BITS
