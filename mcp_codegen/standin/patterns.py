"""Text that a regular expression matches."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]  # what `re` itself compiles with; see `text_for`
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

from pydantic_core import SchemaValidator, core_schema

from mcp_codegen.patterns import for_engine
from mcp_codegen.standin.draw import Draw

LONGEST: Final = 4_000
STRETCHES: Final = (6, 3, 0, 1, 12, 6, 3, 2)
"""How often, at most, what may be repeated without end is repeated: one number for each attempt."""

_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
_CATEGORIES: Final = {
    codes.CATEGORY_DIGIT: string.digits,
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
}
_OPPOSITES: Final = {
    codes.CATEGORY_NOT_DIGIT: codes.CATEGORY_DIGIT,
    codes.CATEGORY_NOT_SPACE: codes.CATEGORY_SPACE,
    codes.CATEGORY_NOT_WORD: codes.CATEGORY_WORD,
}


class _Unknown(Exception):  # noqa: N818 - never leaves this module
    """A part of a pattern for which no text is made here."""


@lru_cache(maxsize=4096)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches, as JSON Schema means it: anywhere.

    In time linear to the text's length, whatever the pattern: with the engine that generated servers check by.
    """
    return SchemaValidator(core_schema.str_schema(pattern=for_engine(pattern), strict=True)).isinstance_python


def text_for(pattern: str, draw: Draw, low: int = 0, high: int = LONGEST) -> str | None:
    """Text of `low` to `high` characters that the pattern matches; None where none was found.

    What Python's own parser says of the pattern is a guide; only what the pattern really matches is given.
    """
    matches, parsed = matcher(pattern), _parsed(pattern)
    if parsed is None:
        return None
    for stretch in (*STRETCHES, low, high):
        try:
            text = "".join(_Writing(draw, min(stretch, LONGEST), exact=stretch in (low, high)).parts(parsed))
        except _Unknown:
            return None
        for candidate in (text, text[:high]):
            if low <= len(candidate) <= high and matches(candidate):
                return candidate
    return None


def like(example: str, draw: Draw) -> str:
    """Text of the example's shape: each digit is another one, everything else stays."""
    return re.sub(r"[0-9]+", lambda match: _digits_like(match[0], draw), example)


def _digits_like(digits: str, draw: Draw) -> str:
    if digits[0] == "0":
        return "0" + "".join(str(draw.below(10)) for _ in digits[1:])
    return draw.digits(len(digits))


@lru_cache(maxsize=4096)
def _parsed(pattern: str) -> Any:  # noqa: ANN401 - a tree of `re`
    try:
        return parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


class _Writing:
    """One text being written."""

    def __init__(self, draw: Draw, stretch: int, *, exact: bool) -> None:
        self._draw, self._stretch, self._exact = draw, stretch, exact
        self._left = LONGEST
        self._groups: dict[int, str] = {}

    def parts(self, tree: Any) -> Iterator[str]:  # noqa: ANN401 - a tree of `re`
        for code, argument in tree:
            for part in self._part(code, argument):
                self._left -= len(part)
                if self._left < 0:
                    raise _Unknown
                yield part

    def _part(self, code: Any, argument: Any) -> Iterator[str]:  # noqa: ANN401 - a node of `re`
        if code is codes.LITERAL:
            yield chr(argument)
        elif code in (codes.NOT_LITERAL, codes.ANY, codes.IN):
            yield self._draw.one_of(_choices(code, argument))
        elif code is codes.BRANCH:
            yield from self.parts(self._draw.one_of(argument[1]))
        elif code is codes.SUBPATTERN:
            yield self._group(argument)
        elif code is codes.ATOMIC_GROUP:
            yield from self.parts(argument)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            yield from self._repeated(*argument)
        elif code is codes.GROUPREF:
            yield self._groups.get(argument, "")
        elif code is not codes.AT:
            raise _Unknown

    def _group(self, argument: Any) -> str:  # noqa: ANN401 - a node of `re`
        number, _, _, inner = argument
        text = "".join(self.parts(inner))
        if number is not None:
            self._groups[number] = text
        return text

    def _repeated(self, low: int, high: int, inner: Any) -> Iterator[str]:  # noqa: ANN401 - a node of `re`
        most = min(high, low + self._stretch) if high is codes.MAXREPEAT else high
        times = most if self._exact and high is codes.MAXREPEAT else self._draw.between(low, most)
        if times > LONGEST:
            raise _Unknown
        for _ in range(times):
            yield from self.parts(inner)


@lru_cache(maxsize=4096)
def _characters(items: tuple[Any, ...]) -> str:
    wanted = set(_PRINTABLE)
    negated = bool(items) and items[0][0] is codes.NEGATE
    chosen: set[str] = set()
    for code, argument in items[negated:]:
        if code is codes.LITERAL:
            chosen.add(chr(argument))
        elif code is codes.RANGE:
            chosen.update(map(chr, range(argument[0], min(argument[1], argument[0] + 0x100) + 1)))
        elif code is codes.CATEGORY:
            chosen.update(_category(argument))
        else:
            raise _Unknown
    # Printable ones, as far as there are any: the rest is legal, and nobody's friend.
    left = wanted - chosen if negated else (chosen & wanted or chosen)
    if not left:
        raise _Unknown
    plain = {character for character in left if character.isalnum()}
    return "".join(sorted(plain or left))


def _category(code: Any) -> str:  # noqa: ANN401 - a constant of `re`
    if code in _OPPOSITES:
        taken = _CATEGORIES[_OPPOSITES[code]]
        return "".join(character for character in _PRINTABLE if character not in taken)
    return _CATEGORIES[code]


def _choices(code: Any, argument: Any) -> str:  # noqa: ANN401 - a node of `re`
    if code is codes.IN:
        return _characters(tuple(argument))
    return _characters(((codes.NEGATE, None), (codes.LITERAL, argument or 0)))
