"""Where black breaks a statement that is too long for a line, for the few forms that generated code has.

Black is the judge of how generated code looks, and nine tenths of the cost of generating it. What this module lays out
is what black would: the tests hold every file to that. Where a form is none that it knows, it says so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

LINE_LENGTH: Final = 120
_INDENT: Final = "    "
_TOKEN: Final = re.compile(r"""r?"(?:[^"\\]|\\.)*"|r?'(?:[^'\\]|\\.)*'|[\[({\])},]|\ \|\ |\ =\ """, re.VERBOSE)
_DEFINITION: Final = re.compile(r"(?:(?:async )?def|class) \w+$")
_NAMED: Final = re.compile(r"\w+: ")
_CALLED: Final = re.compile(r"[\w\])]$")
"""What stands before a bracket that is no list, dict or tuple of its own."""
_VALUE: Final = re.compile(r"(?:await )?[\w.]+$")
_BEFORE: Final = ("return ", "@")
"""What may stand before a call."""
_NARROW: Final = "\u0300"
"""Every letter before this one takes one column."""


class UnknownFormError(Exception):
    """Only black knows how this statement is laid out."""


@dataclass(slots=True)
class _Part:
    """A piece of a statement by its offsets, and what stands in it outside of further brackets."""

    start: int
    end: int = 0
    brackets: list[_Part] = field(default_factory=list)
    """What is inside of each pair."""
    commas: list[int] = field(default_factory=list)
    bars: list[int] = field(default_factory=list)
    equals: list[int] = field(default_factory=list)

    def cut(self, places: Sequence[int], gap: int) -> Iterator[_Part]:
        """The pieces between places, which leave a gap behind them."""
        starts = [self.start, *(place + gap for place in places)]
        for start, end in zip(starts, [*places, self.end], strict=True):
            first, last = (bisect_left(self.brackets, place, key=attrgetter("start")) for place in (start, end))
            bars, equals = _between(self.bars, start, end), _between(self.equals, start, end)
            yield _Part(start, end, self.brackets[first:last], bars=bars, equals=equals)


def lay_out(statement: str, depth: int) -> str:
    """The lines of a statement, or of an item with its comma, that is given as one line without its indentation.

    depth: in steps of indentation. Raises `UnknownFormError`.
    """
    return "\n".join(_Statement(statement).lines(depth))


def fits(line: str) -> bool:
    """Whether a line is short enough; wide letters take two columns, as black counts them."""
    if len(line) > LINE_LENGTH // 2 and not line.isascii() and max(line) >= _NARROW:
        from black.strings import str_width  # noqa: PLC0415 - the tables of Python change with its version

        return str_width(line) <= LINE_LENGTH
    return len(line) <= LINE_LENGTH


@dataclass(frozen=True, slots=True)
class _Statement:
    code: str

    def lines(self, depth: int) -> list[str]:
        if fits(_INDENT * depth + self.code):
            return [_INDENT * depth + self.code]
        if self.code.startswith("from "):
            return self._import(depth)
        whole = _parsed(self.code)
        if self.code.endswith(","):
            item = next(whole.cut(whole.commas[-1:], 1))
            return self._item(item, depth, ",")
        return self._statement(whole, depth)

    # --- statements ---------------------------------------------------------------------------------------------------

    def _statement(self, whole: _Part, depth: int) -> list[str]:
        first = whole.brackets[0] if whole.brackets else whole
        if _DEFINITION.match(self.code, 0, first.start - 1):
            return self._definition(whole, depth)
        if whole.equals:
            return self._assignment(whole, depth)
        if _NAMED.match(self.code):
            return self._annotated(whole, whole.end, depth)
        return self._called(whole, depth, after=next((len(one) for one in _BEFORE if self.code.startswith(one)), 0))

    def _import(self, depth: int) -> list[str]:
        origin, _, names = self.code.partition(" import ")
        inner = (f"{_INDENT * (depth + 1)}{name}," for name in names.split(", "))
        return [f"{_INDENT * depth}{origin} import (", *inner, f"{_INDENT * depth})"]

    def _definition(self, whole: _Part, depth: int) -> list[str]:
        """The signature's inside on one line if it fits there, else an argument on each line."""
        signature = whole.brackets[0]
        head, body, tail = self._split(signature, whole, depth)
        inner = _INDENT * (depth + 1) + body
        if signature.commas and fits(inner):
            return [head, inner, tail]
        arguments = signature.cut(signature.commas, 2)
        return [head, *(line for one in arguments for line in self._argument(one, depth + 1)), tail]

    def _argument(self, part: _Part, depth: int) -> list[str]:
        line = self._line(part, depth, ",")
        if fits(line):
            return [line]
        return self._annotated(part, part.equals[0] if part.equals else part.end, depth, ",")

    def _assignment(self, whole: _Part, depth: int) -> list[str]:
        equals = whole.equals[0]
        value = equals + len(" = ")
        if len(whole.equals) > 1:
            raise UnknownFormError
        if whole.brackets[-1:] and whole.brackets[-1].start > equals:
            return self._called(whole, depth, after=value)
        head = f"{_INDENT * depth}{self.code[:value]}("
        if _NAMED.match(self.code) and fits(head):
            return [head, _INDENT * (depth + 1) + self.code[value:], f"{_INDENT * depth})"]
        return self._annotated(whole, equals, depth)

    def _annotated(self, part: _Part, end: int, depth: int, after: str = "") -> list[str]:
        """`name: Type[...]` or `name: A | B`, which ends there, and a default without brackets."""
        named = _NAMED.match(self.code, part.start)
        if named is None or any(one.end > end for one in part.brackets):
            raise UnknownFormError
        if part.bars:
            within = next(part.cut([end], 0))
            within.start = named.end()
            head = self._line(_Part(part.start, named.end()), depth, "(")
            tail = f"{_INDENT * depth}){self.code[end : part.end]}{after}"
            return [head, *self._item(within, depth + 1, ""), tail]
        if len(part.brackets) != 1 or part.brackets[0].end + 1 != end:
            raise UnknownFormError
        return self._exploded(part.brackets[0], part, depth, after)

    def _called(self, whole: _Part, depth: int, after: int) -> list[str]:
        """A call, and nothing behind it."""
        last = whole.brackets[-1] if whole.brackets else whole
        if last.end + 1 != whole.end or not _VALUE.match(self.code[after : last.start - 1]):
            raise UnknownFormError
        return self._exploded(last, whole, depth)

    # --- what stands in brackets --------------------------------------------------------------------------------------

    def _item(self, part: _Part, depth: int, after: str) -> list[str]:
        line = self._line(part, depth, after)
        if fits(line) or not (part.brackets or part.bars):
            return [line]
        if part.bars:
            *most, last = part.cut(part.bars, 1)
            lines = [line for one in most for line in self._item(one, depth, "")]
            return lines + self._item(last, depth, after)
        if len(part.brackets) > 1 or part.brackets[0].end + 1 != part.end:
            raise UnknownFormError
        return self._exploded(part.brackets[0], part, depth, after)

    def _exploded(self, inside: _Part, part: _Part, depth: int, after: str = "") -> list[str]:
        head, body, tail = self._split(inside, part, depth, after)
        return [head, *self._inside(inside, body, depth + 1), tail]

    def _inside(self, inside: _Part, body: str, depth: int) -> list[str]:
        is_display = not _CALLED.search(self.code, 0, inside.start - 1)
        line = _INDENT * depth + body
        if fits(line) and not (is_display and inside.commas):
            return [line]
        items = inside.cut(inside.commas, 2)
        after = "," if inside.commas else ""
        return [line for one in items for line in self._item(one, depth, after)]

    def _split(self, inside: _Part, part: _Part, depth: int, after: str = "") -> tuple[str, str, str]:
        """What stands before, in and behind a pair of brackets."""
        head = _INDENT * depth + self.code[part.start : inside.start]
        tail = _INDENT * depth + self.code[inside.end : part.end] + after
        body = self.code[inside.start : inside.end]
        if not body or body.endswith(",") or not fits(head) or not fits(tail):
            raise UnknownFormError
        return head, body, tail

    def _line(self, part: _Part, depth: int, after: str) -> str:
        return _INDENT * depth + self.code[part.start : part.end] + after


def _between(places: list[int], start: int, end: int) -> list[int]:
    return places[bisect_left(places, start) : bisect_left(places, end)]


def _parsed(code: str) -> _Part:
    open_parts = [_Part(0)]
    for match in _TOKEN.finditer(code):
        sign, part = match[0], open_parts[-1]
        if sign in "[({":
            open_parts.append(_Part(match.end()))
        elif sign in "])}":
            part.end = match.start()
            open_parts.pop()
            open_parts[-1].brackets.append(part)
        elif sign == ",":
            part.commas.append(match.start())
        elif sign == " | ":
            part.bars.append(match.start())
        elif sign == " = ":
            part.equals.append(match.start())
    (whole,) = open_parts
    whole.end = len(code)
    return whole
