"""JSON text → data, strictly; and the offsets of the values in it, when somebody asks."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.source.places import MAX_DEPTH, Place, UnreadableError, key_faults, too_deep, value_faults

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_WORD: Final = re.compile(r"\w+")
_OF_PYTHON: Final = {"True": "true", "False": "false", "None": "null", "undefined": "null"}
_WHAT: Final = (  # how Python's decoder begins its message, what to say, what to do
    ("Unterminated string", "a text has no closing quote", 'add the closing "'),
    (
        "Invalid control character",
        "a text is broken by a line break or control character",
        r"close its quote, or write \n",
    ),
    ("Invalid \\", "this escape does not exist", r"write a backslash as \\, a quote as \""),
    ("Expecting ':'", "expected ':' after the key", "add it"),
    ("Expecting ','", "expected ',' or the end of the list or object", "add a comma between two members"),
    ("Expecting property name", "expected a key in double quotes", 'write it as "key": value'),
    ("Extra data", "text after the end of the value", "remove it: a file holds one value"),
)
_OTHER: Final = ("expected a value", "write a number, true, false, null, or a text in double quotes")


class _DoubtfulError(ValueError):
    """Something that the decoder takes and this project does not."""


def read(text: str, *, forgive: bool = False) -> tuple[Any, list[tuple[int, Problem]]]:
    """The data, and everything wrong in it by offset. Costs little more than `json.loads` where nothing is.

    forgive: there is data also where something is wrong.
    Raises `UnreadableError` where the text is no JSON, or too deep.
    """
    try:
        data = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax_error(text, error) from error
    except (ValueError, RecursionError):
        if faults := _faults(text):
            return _LENIENT.decode(text) if forgive else None, faults
        raise
    surrogates = ("\\ud" in text or "\\uD" in text) and not _is_encodable(data)
    return data, _faults(text) if surrogates or _is_deep(data) else []


def places(text: str, enter: Callable[[Pointer], bool]) -> Iterator[Place]:
    """The place of every member of the lists and objects to enter, in the text's order; first the root's own.

    The text is one that `read` took, or that it found faults in: its syntax is known to be right up to `MAX_DEPTH`.
    """
    stack: list[_Open] = []
    pointer: Pointer = ()
    at = key = _skip(text, 0)
    faults: tuple[Problem, ...] = ()
    while True:
        if text[at] in "{[" and enter(pointer):
            yield Place(pointer, key, at, faults)
            if len(stack) == MAX_DEPTH:
                raise too_deep(at)
            stack.append(_Open(pointer, set() if text[at] == "{" else None))
            at = _skip(text, at + 1)
        else:
            value, end = _LENIENT.raw_decode(text, at)
            yield Place(pointer, key, at, faults + value_faults(pointer, value))
            at = _skip(text, end)
        while stack and text[at] in "]}":
            stack.pop()
            at = _skip(text, at + 1)
        if not stack:
            return
        key = at = _skip(text, at + 1) if text[at] == "," else at
        if (keys := stack[-1].keys) is None:
            pointer, faults = (*stack[-1].pointer, stack[-1].index), ()
            stack[-1].index += 1
        else:
            name, at = _LENIENT.raw_decode(text, key)
            at = _skip(text, _skip(text, at) + 1)
            pointer = (*stack[-1].pointer, name)
            faults = key_faults(pointer, name, repeated=name in keys)
            keys.add(name)


@dataclass(slots=True)
class _Open:
    """A list or an object that a scan is inside of."""

    pointer: Pointer
    keys: set[str] | None
    index: int = 0


def _faults(text: str) -> list[tuple[int, Problem]]:
    try:
        _LENIENT.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax_error(text, error) from error
    except RecursionError:
        pass  # the scan meets the same depth, and says where
    return [(place.of(fault), fault) for place in places(text, lambda _: True) for fault in place.faults]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _DoubtfulError
    return members


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _DoubtfulError
    return number


def _refuse_constant(_name: str) -> float:
    raise _DoubtfulError


def _lenient_int(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # more digits than Python converts
        return math.inf


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_refuse_constant)
_LENIENT: Final = json.JSONDecoder(parse_int=_lenient_int, parse_constant=lambda _: math.nan)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _is_encodable(data: object) -> bool:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_deep(data: object) -> bool:
    level, depth = [data] if isinstance(data, dict | list) else [], 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        members = (one.values() if type(one) is dict else one for one in level)
        level = [value for group in members for value in group if type(value) is dict or type(value) is list]
    return depth > MAX_DEPTH


def _syntax_error(text: str, error: json.JSONDecodeError) -> UnreadableError:
    offset, what, hint = _explained(text, error.pos, error.msg)
    return UnreadableError(offset, Problem((), f"not valid JSON: {what}", hint))


def _explained(text: str, at: int, message: str) -> tuple[int, str, str]:
    """Where, what and what to do, in the same words under every version of Python."""
    before = len(text[:at].rstrip(" \t\n\r"))
    is_trailing = text[before - 1 : before] == "," and text[at : at + 1] in ("]", "}")
    if is_trailing or message.startswith("Illegal trailing comma"):
        return before - 1 if is_trailing else at, "a comma before the end of a list or object", "remove it"
    if before >= len(text.rstrip(" \t\n\r")):
        return before, "the text ends too early", "complete it: a quote, ']' or '}' is missing"
    return at, *(_habit(text, at) or next((said for start, *said in _WHAT if message.startswith(start)), _OTHER))


def _habit(text: str, at: int) -> tuple[str, str] | None:
    """What people write who think of another language."""
    if text.startswith(("//", "/*", "#"), at):
        return "JSON has no comments", "remove it, or keep it as a text under a key that starts with 'x-'"
    if text[at] == "'":
        return "single quotes", "write texts and keys in double quotes"
    word = next(iter(_WORD.findall(text, at)), "")
    if word in _OF_PYTHON:
        return f"{shown(word)} is not a word of JSON", f"write {_OF_PYTHON[word]}"
    return None
