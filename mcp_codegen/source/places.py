"""What the readers of JSON and YAML share: places in a text, limits, and what no output could hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mcp_codegen.errors import Pointer, Problem

MAX_DEPTH = 100
"""How deep lists and objects may nest; what walks them later recurses."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value and its key begin, as offsets in the text; in a list both are the value's."""

    pointer: Pointer
    key: int
    value: int
    faults: tuple[Problem, ...] = ()

    def of(self, problem: Problem) -> int:
        """Where a problem of this member is to be shown."""
        return self.key if problem.at_key else self.value


class UnreadableError(Exception):
    """The text cannot be read on from an offset; positions of what comes before it are known."""

    def __init__(self, offset: int, problem: Problem) -> None:
        super().__init__(problem.message)
        self.offset = offset
        self.problem = problem


def too_deep(offset: int) -> UnreadableError:
    """Lists and objects nest deeper than `MAX_DEPTH`."""
    return UnreadableError(offset, Problem((), f"nested more than {MAX_DEPTH} levels deep", "make it flatter"))


def key_faults(pointer: Pointer, key: str, *, repeated: bool) -> tuple[Problem, ...]:
    """What is wrong with a key: it stands in its object twice, or cannot be written as UTF-8."""
    if repeated:
        return (Problem(pointer, "the same key stands above in this object", "remove or rename one", at_key=True),)
    return (_lone_surrogate(pointer, at_key=True),) if has_surrogate(key) else ()


def value_faults(pointer: Pointer, value: object) -> tuple[Problem, ...]:
    """What is wrong with a value that a reader took: no JSON output could hold it."""
    if isinstance(value, float) and math.isnan(value):
        return (Problem(pointer, "NaN and Infinity are not numbers of JSON", "write a number, null, or a text"),)
    if isinstance(value, float) and math.isinf(value):
        return (Problem(pointer, "this number is too large to be kept", "write a smaller one, or put it in quotes"),)
    if isinstance(value, str) and has_surrogate(value):
        return (_lone_surrogate(pointer, at_key=False),)
    return ()


def has_surrogate(text: str) -> bool:
    """Whether a text holds half a character, which UTF-8 cannot write."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _lone_surrogate(pointer: Pointer, *, at_key: bool) -> Problem:
    hint = "write the character itself, or both halves of its escape"
    return Problem(pointer, r"an escape from \ud800 to \udfff is half a character", hint, at_key)
