"""YAML text → data that JSON could hold too: the core schema of YAML 1.2, keys that are texts, one document.

`no`, `on`, dates, `012` and `12:30:45` stay texts. PyYAML parses; what its events mean is decided here, since its own
loaders follow YAML 1.1, recurse, and keep the last of two equal keys.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml import events

from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.source.places import MAX_DEPTH, Place, UnreadableError, key_faults, too_deep, value_faults

MAX_REPEATED = 10_000_000
"""How many characters aliases may stand for in all, at 20 for each value: no small file becomes a huge catalog."""

_PARSER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CORE: Final = "tag:yaml.org,2002:"
_WORDS: Final[dict[str, bool | None]] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OTHER_BASE: Final = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WHAT: Final = (  # words of PyYAML's two parsers, what to say, what to do
    ("mapping values are not allowed", "a ':' does not fit here", "indent the line right, or put the text in quotes"),
    ("end of stream", "a quote is open to the end of the file", "close it"),
    ("expected ','", "expected ',' or the end of the list or object", "add what is missing"),
    ("escape", "this escape does not exist", r"write a backslash as \\, or put the text in single quotes"),
    ("expected", "this does not fit the lines above", "indent the line right, or put the text in quotes"),
)


def read(text: str) -> tuple[Any, list[tuple[int, Problem]]]:
    """The data, and everything wrong in it by offset.

    Raises `UnreadableError` where the text is no YAML, or uses what has no meaning in JSON.
    """
    tree = _Tree()
    faults = [(place.of(fault), fault) for place in tree.grow(text) for fault in place.faults]
    return tree.root, faults


def places(text: str) -> Iterator[Place]:
    """The place of every value, in the text's order. What an alias repeats stands where its anchor is."""
    return _Tree().grow(text)


@dataclass(slots=True)
class _Open:
    """A list or an object whose members are being read; an object has a `key` when the next event is its value."""

    pointer: Pointer
    members: dict[str, Any] | list[Any]
    key: tuple[str, int, tuple[Problem, ...]] | None = None


@dataclass(slots=True)
class _Tree:
    """Data that grows from events."""

    root: Any = None
    stack: list[_Open] = field(default_factory=list)

    def grow(self, text: str) -> Iterator[Place]:
        for event, offset in _events(text):
            if isinstance(event, events.CollectionEndEvent):
                self.stack.pop()
            elif self.stack and isinstance(self.stack[-1].members, dict) and self.stack[-1].key is None:
                self.stack[-1].key = _key(event, offset, self.stack[-1])
            else:
                yield self._add(event, offset)

    def _add(self, event: events.Event, offset: int) -> Place:
        pointer, at, faults = self._member(offset)
        value, fault = _value(event, pointer)
        if not self.stack:
            self.root = value
        elif isinstance(self.stack[-1].members, dict):
            self.stack[-1].members[str(pointer[-1])] = value
        else:
            self.stack[-1].members.append(value)
        if isinstance(value, dict | list):
            self.stack.append(_Open(pointer, value))
        return Place(pointer, at, offset, faults + fault)

    def _member(self, offset: int) -> tuple[Pointer, int, tuple[Problem, ...]]:
        if not self.stack:
            return (), offset, ()
        top = self.stack[-1]
        if top.key is None:
            return (*top.pointer, len(top.members)), offset, ()
        (name, at, faults), top.key = top.key, None
        return (*top.pointer, name), at, faults


def _key(event: events.Event, offset: int, parent: _Open) -> tuple[str, int, tuple[Problem, ...]]:
    if not isinstance(event, events.ScalarEvent):
        raise UnreadableError(
            offset, Problem(parent.pointer, "a list or an object as a key", "write a text as the key")
        )
    name, pointer = event.value, (*parent.pointer, event.value)
    if event.implicit[0] and name == "<<":
        hint = "YAML 1.2 has no '<<': write the keys out, or put '<<' in quotes"
        return name, offset, (Problem(pointer, "merge keys are not supported", hint, at_key=True),)
    value, faults = _value(event, pointer)
    exact = isinstance(value, str) or (name in ("true", "false") if isinstance(value, bool) else _is_plain(value, name))
    if faults or not exact:
        hint = "put it in quotes" if name else "write a text before the ':'"
        return name, offset, (Problem(pointer, f"the key {shown(name)} is not a text", hint, at_key=True),)
    return name, offset, key_faults(pointer, name, repeated=name in parent.members)


def _is_plain(value: object, written: str) -> bool:
    return isinstance(value, int) and str(value) == written


def _value(event: events.Event, pointer: Pointer) -> tuple[Any, tuple[Problem, ...]]:
    """What a node stands for, members still to come; and what is wrong with it."""
    kind = "map" if isinstance(event, events.MappingStartEvent) else "seq"
    value: Any = {} if kind == "map" else []
    if isinstance(event, events.ScalarEvent):
        kind, value = "str", event.value
        is_plain = event.implicit[0] and event.tag is None
        if is_plain or (event.tag or "").removeprefix(_CORE) in ("null", "bool", "int", "float"):
            value = resolve(event.value)
            kind = {bool: "bool", int: "int", float: "float", str: "str"}.get(type(value), "null")
    tag = getattr(event, "tag", None)
    if tag == _CORE + "float" and kind == "int":
        kind, value = "float", float(value)
    if tag not in (None, "!", _CORE + kind):
        problem = Problem(pointer, f"the tag {shown(tag)} does not fit here", "remove it, or put the value in quotes")
        return value, (problem,)
    return value, value_faults(pointer, value)


def resolve(plain: str) -> str | int | float | bool | None:
    """What a text without quotes means. Numbers that JSON cannot hold come back as NaN or infinity."""
    if plain in _WORDS:
        return _WORDS[plain]
    number = _number(plain) if plain[0] in "+-.0123456789" else None
    return plain if number is None else number


def _number(plain: str) -> int | float | None:
    if _INTEGER.fullmatch(plain):
        try:
            return int(plain)
        except ValueError:  # more digits than Python converts
            return math.inf
    if _OTHER_BASE.fullmatch(plain):
        return int(plain, 0)
    if _FLOAT.fullmatch(plain):
        return float(plain)
    return math.nan if _NO_NUMBER.fullmatch(plain) else None


def _events(text: str) -> Iterator[tuple[events.Event, int]]:
    """The nodes of the only document, aliases replaced by what they stand for, each with the offset to show."""
    recorder = _Recorder()
    depth = 0
    for event, offset in _parsed(text):
        batch = recorder.repeat(str(event.anchor), offset) if isinstance(event, events.AliasEvent) else (event,)
        for one in batch:
            depth += isinstance(one, events.CollectionStartEvent) - isinstance(one, events.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise too_deep(offset)
            recorder.record(one, depth, is_new=one is event)
            yield one, offset if one is batch[0] else _start(one)


def _parsed(text: str) -> Iterator[tuple[events.Event, int]]:
    if found := _UNPRINTABLE.search(text):
        problem = Problem((), f"the character U+{ord(found[0]):04X} may not stand in YAML", "remove it, or escape it")
        raise UnreadableError(found.start(), problem)
    documents = 0
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            documents += isinstance(event, events.DocumentStartEvent)
            if documents > 1:
                problem = Problem((), "a second document starts here", "keep one document in a file")
                raise UnreadableError(_start(event), problem)
            if isinstance(event, events.NodeEvent | events.CollectionEndEvent):
                yield event, _start(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(text, error) from error
    if not documents:
        raise UnreadableError(0, Problem((), "there is nothing in the file but comments", "write the catalog in it"))


def _syntax_error(text: str, error: yaml.MarkedYAMLError) -> UnreadableError:
    offset = error.problem_mark.index if error.problem_mark else 0
    problem = str(error.problem or error.context)
    what, hint = next((said for part, *said in _WHAT if part in problem), (problem, "see what YAML allows here"))
    if "cannot start any token" in problem:
        what, hint = f"a text may not start with {shown(text[offset])}", "put it in quotes"
        if text[offset] == "\t":
            what, hint = "a tab stands where the line is indented", "indent with spaces"
    return UnreadableError(offset, Problem((), f"not valid YAML: {what}", hint))


def _start(event: events.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


class _Recorder:
    """Keeps the events of anchored nodes, to repeat them for their aliases."""

    def __init__(self) -> None:
        self._log: list[Any] = []  # everything inside the outermost anchor that is open
        self._open: list[tuple[str, int, int]] = []  # anchor, its start in the log, the depth around it
        self._kept: dict[str, tuple[list[Any], int, int]] = {}
        self._left = MAX_REPEATED

    def record(self, event: Any, depth: int, *, is_new: bool) -> None:  # noqa: ANN401 - PyYAML's events
        """Keep an event if it stands inside an anchor; anchors inside of what is repeated are not set again."""
        if is_new and getattr(event, "anchor", None):
            around = depth - isinstance(event, events.CollectionStartEvent)
            self._log = self._log if self._open else []
            self._open.append((event.anchor, len(self._log), around))
        if not self._open:
            return
        self._log.append(event)
        while self._open and self._open[-1][2] == depth and not isinstance(event, events.CollectionStartEvent):
            anchor, start, _ = self._open.pop()
            self._kept[anchor] = (self._log, start, len(self._log))

    def repeat(self, anchor: str, offset: int) -> list[Any]:
        """The events of an anchored node."""
        if any(anchor == name for name, _, _ in self._open):
            problem = Problem((), f"the alias {shown('*' + anchor)} stands inside of what it repeats", "write it out")
            raise UnreadableError(offset, problem)
        if anchor not in self._kept:
            problem = Problem((), f"there is no anchor {shown('&' + anchor)} above", "write it before it is repeated")
            raise UnreadableError(offset, problem)
        log, start, end = self._kept[anchor]
        repeated = log[start:end]
        self._left -= sum(20 + len(getattr(event, "value", "")) for event in repeated)
        if self._left < 0:
            message = f"aliases stand for more than {MAX_REPEATED:,} characters"
            raise UnreadableError(offset, Problem((), message, "write out what differs, and repeat less"))
        return repeated
