"""A schema as far down as it is shown: the whole of it, or its members to some depth.

What is shown never takes fewer values than the whole: below the depth stands only of which JSON type a value is. The
root is at depth 0, its members at 1, theirs at 2; what a reference, an array's items and the alternatives of a union
lead to is as deep as they are. A definition is as deep as its shallowest use and is written once, so that shared and
recursive types cost what they are, not what they would unfold to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

Json = Mapping[str, Any]
Definitions = Callable[[str], Json]
"""From a key under `$defs` to its schema."""

PREFIX: Final = "#/$defs/"
LONGEST_TEXT: Final = 1024
"""Characters of a description; some hosts refuse longer ones."""
TYPES_ALONE: Final = -1
"""In place of a depth of words: of each member nothing but its type."""
ANSWER: Final = ((0, TYPES_ALONE), (1, 0))
"""Depth and words of an answer's smallest forms: that it is an object, its members."""
ARGUMENTS: Final = ((1, TYPES_ALONE), (1, 0))
"""The same of arguments, whose names are always shown."""
_WORDS: Final = ("title", "description", "examples")
"""What is said about a value, for readers alone."""
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_SMALLEST_ANYTHING: Final = len('"":{},')
_SMALLEST_MEMBER: Final = len('"":{"type":""},')
_SENTENCE: Final = re.compile(r"[.!?](?=\s)|[\u3002\uff01\uff1f]|\S(?=\s*\n)")


@dataclass(frozen=True, slots=True)
class Form:
    """How much of a schema is shown."""

    depth: int
    """Of its members."""
    words: int
    """The depth down to which something is said about them."""
    size: int
    """In bytes."""
    is_whole: bool


class Whole:
    """A schema, its definitions, and how deep each of them is, as far as that was looked up."""

    def __init__(
        self, root: Json, definitions: Definitions, most: int, smallest: Sequence[tuple[int, int]] = ANSWER
    ) -> None:
        """most: bytes that it may take. smallest: depth and words of the least that is shown, in growing order."""
        self._root = root
        self._definitions = definitions
        self._most = most
        self._parts: list[Form] = []
        self._steps = self._growing(smallest)
        self._places: dict[str, int] = {}
        self._entered = 0
        self._layer = [root]
        self._bytes = [0]
        """At least so many are needed for the members down to each depth that was looked at."""

    def within(self, most: int) -> Form:
        """The largest form that takes no more bytes than that; the smallest, where all take more.

        From the smallest on, a form shows the members one deeper, then the words below depth 1, depth by depth: what
        comes last is left out first.
        """
        if self._could_fit(most) and self._whole is not None and self._whole.size <= most:
            return self._whole
        while (not self._parts or self._parts[-1].size <= most) and (step := next(self._steps, None)):
            size = size_of(self.shown(*step))
            self._parts.append(Form(*step, size, is_whole=False))
        return next((form for form in reversed(self._parts) if form.size <= most), self._parts[0])

    def _could_fit(self, most: int) -> bool:
        """Whether the whole may take no more than that; told without writing it."""
        while self._layer and self._bytes[-1] <= most:
            self._enter()
        return not self._layer and self._bytes[-1] <= most

    @cached_property
    def _whole(self) -> Form | None:
        """None where it takes too much."""
        while self._layer and not self._is_too_large(self._entered):
            self._enter()
        if self._layer:
            return None
        depth = max(self._entered - 1, 1)
        form = Form(depth, depth, size_of(self.shown(depth, depth)), is_whole=True)
        return form if form.size <= self._most else None

    def shown(self, depth: int, words: int) -> dict[str, Any]:
        """The schema down to a depth, what is said about its values to another, and `$defs` of its own."""
        while self._layer and self._entered <= depth:
            self._enter()
        whole = self._ends_at(depth)
        places = {name: place for name, place in self._places.items() if place < depth or whole}
        writer = _Writer(self._definitions, depth, words, places)
        written = writer.at(self._root, 0)
        definitions: dict[str, Any] = {}
        while missing := writer.used - definitions.keys():
            definitions |= {name: writer.at(self._definitions(name), places.get(name, depth)) for name in missing}
        return written | ({"$defs": dict(sorted(definitions.items()))} if definitions else {})

    def _growing(self, smallest: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        yield from smallest
        depth = 1
        yield depth, 1
        while not self._ends_at(depth) and not self._is_too_large(depth + 1):
            depth += 1
            yield depth, 1
        if self._ends_at(depth):
            yield from ((depth, words) for words in range(2, depth))

    def _ends_at(self, depth: int) -> bool:
        """Whether nothing is deeper."""
        return not self._layer and self._entered <= depth + 1

    def _is_too_large(self, depth: int) -> bool:
        """Whether there is no room for the members down to a depth, however they are shown."""
        return self._bytes[depth] > self._most

    def _enter(self) -> None:
        """One depth more: which definitions stand there, and which members one deeper, up to too many of them."""
        needed, layer = self._bytes[-1], []
        for name, member in self._deeper():
            needed += len(name) + (_SMALLEST_MEMBER if member else _SMALLEST_ANYTHING)
            layer.append(member)
            if needed > self._most:
                break
        self._bytes.append(needed)
        self._layer = layer
        self._entered += 1

    def _deeper(self) -> Iterator[tuple[str, Json]]:
        waiting = self._layer
        while waiting:
            schema = waiting.pop()
            if "$ref" in schema:
                name = key_of(schema)
                if name not in self._places:
                    self._places[name] = self._entered
                    waiting.append(self._definitions(name))
            else:
                waiting += _beside(schema)
                yield from _members(schema)


def size_of(data: Any) -> int:  # noqa: ANN401 - JSON
    """Bytes of JSON that is written compactly."""
    return len(_COMPACT.encode(data).encode("utf-8", "surrogatepass"))


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text, or as many of its first sentences as fit, else words."""
    if len(text) <= longest:
        return text
    room = text[: longest - 2]
    ends = [match.end() for match in _SENTENCE.finditer(text, 0, longest - 1) if match.end() <= len(room)]
    end = ends[-1] if ends and ends[-1] > longest // 4 else room.rfind(" ")
    return f"{room[:end].rstrip() if end > 0 else room} …"


def key_of(reference: Json) -> str:
    """The definition that is referred to."""
    return str(reference["$ref"]).removeprefix(PREFIX)


def _beside(schema: Json) -> Iterator[Json]:
    """What is as deep as the schema itself."""
    yield from schema.get("anyOf", ())
    if "items" in schema:
        yield schema["items"]


def _members(schema: Json) -> Iterator[tuple[str, Json]]:
    if "properties" in schema:
        yield from schema["properties"].items()
    if isinstance(more := schema.get("additionalProperties"), Mapping):
        yield "", more


@dataclass(frozen=True, slots=True)
class _Writer:
    definitions: Definitions
    depth: int
    words: int
    places: Mapping[str, int]
    """Of the definitions that are shown."""
    used: set[str] = field(default_factory=set)
    """The definitions that were referred to."""

    def at(self, schema: Json, place: int) -> dict[str, Any]:
        """The schema as it is shown at a depth."""
        if self.words == TYPES_ALONE and place:
            return _outline(schema)
        if _is_plain(schema):
            return {word: value for word, value in schema.items() if word not in _WORDS or place <= self.words}
        said = {word: schema[word] for word in _WORDS if word in schema and place <= self.words}
        if "$ref" in schema:
            written = self._reference(key_of(schema))
        elif place >= self.depth and _has_members(schema):
            written = _outline(schema)
        else:
            written = {key: self._value(key, value, place) for key, value in schema.items() if key not in _WORDS}
        return {**_joined(written), **said}

    def _reference(self, name: str) -> dict[str, Any]:
        if name not in self.places and not _is_plain(self.definitions(name)):
            return _outline(self.definitions(name))
        self.used.add(name)
        return {"$ref": f"{PREFIX}{name}"}

    def _value(self, key: str, value: Any, place: int) -> Any:  # noqa: ANN401 - JSON
        if key == "properties":
            return {name: self.at(inner, place + 1) for name, inner in value.items()}
        if key == "additionalProperties" and isinstance(value, Mapping):
            return self.at(value, place + 1)
        if key == "items":
            return self.at(value, place)
        return [self.at(one, place) for one in value] if key == "anyOf" else value


def _outline(schema: Json) -> dict[str, Any]:
    """Of which JSON type a value is; nothing where that takes more than a word to say."""
    return {"type": schema["type"]} if "type" in schema else {}


def _has_members(schema: Json) -> bool:
    return bool(schema.get("properties")) or isinstance(schema.get("additionalProperties"), Mapping)


def _is_plain(schema: Json) -> bool:
    """Whether nothing is inside of it."""
    return not ("$ref" in schema or "anyOf" in schema or "items" in schema or _has_members(schema))


def _joined(written: dict[str, Any]) -> dict[str, Any]:
    """Alternatives that say no more than their types, as one list of types; none where one of them takes anything."""
    if "anyOf" not in written:
        return written
    variants = [one for index, one in enumerate(written["anyOf"]) if one not in written["anyOf"][:index]]
    rest = {key: value for key, value in written.items() if key != "anyOf"}
    if {} in variants:
        return rest
    if any(one.keys() != {"type"} for one in variants):
        return {**rest, "anyOf": variants}
    types = dict.fromkeys(kind for one in variants for kind in _list(one["type"]))
    return {"type": next(iter(types)) if len(types) == 1 else list(types), **rest}


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return value if isinstance(value, list) else [value]
