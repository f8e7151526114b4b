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
from itertools import islice
from typing import Any, Final

Json = Mapping[str, Any]
Definitions = Callable[[str], Json]
"""From a key under `$defs` to its schema."""

PREFIX: Final = "#/$defs/"
LONGEST_TEXT: Final = 1024
"""Characters of a description; some hosts refuse longer ones."""
TYPES_ALONE: Final = -1
"""In place of a depth of words: of each member nothing but its type."""
ANSWER: Final = ((0, 0), (1, 0))
"""Depth and words of an answer's smallest forms: that it is an object, its members."""
ARGUMENTS: Final = ((1, TYPES_ALONE), (1, 0))
"""The same of arguments, whose names are always shown."""
_WORDS: Final = ("title", "description", "examples")
"""What is said about a value, for readers alone."""
_SMALLEST_MEMBER: Final = len('"":{},')
_SENTENCE: Final = re.compile(r"[.!?](?=\s)|[。！？]|\S(?=\s*\n)")


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

    def __init__(self, root: Json, definitions: Definitions, most: int) -> None:
        """most: bytes that it may take when it is shown."""
        self._root = root
        self._definitions = definitions
        self._most = most
        self._places: dict[str, int] = {}
        self._entered = 0
        self._layer = [root]
        self._members = 0

    def forms(self, smallest: Sequence[tuple[int, int]]) -> tuple[Form, ...]:
        """The forms that may be shown, from the smallest, which is there in any case.

        After the smallest ones come the members, depth by depth, then the words below depth 1, depth by depth: what
        comes last is left out first.
        """
        found: list[Form] = []
        for depth, words in self._steps(smallest):
            size = size_of(self.shown(depth, words))
            if found and size > self._most:
                break
            found.append(Form(depth, words, size, is_whole=not self._layer and words >= depth))
        return tuple(found)

    def shown(self, depth: int, words: int) -> dict[str, Any]:
        """The schema down to a depth, what is said about its values to another, and `$defs` of its own."""
        while self._layer and self._entered <= depth:
            self._enter()
        places = self._places if not self._layer else {name: at for name, at in self._places.items() if at < depth}
        writer = _Writer(self._definitions, depth, words, places)
        written = writer.at(self._root, 0)
        definitions: dict[str, Any] = {}
        while missing := writer.used - definitions.keys():
            definitions |= {name: writer.at(self._definitions(name), places.get(name, depth)) for name in missing}
        return written | ({"$defs": dict(sorted(definitions.items()))} if definitions else {})

    def _steps(self, smallest: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        yield from smallest
        depth = 1
        yield depth, 1
        while self._layer and self._members <= self._most // _SMALLEST_MEMBER:
            depth += 1
            yield depth, 1
        if not self._layer:
            yield from ((depth, words) for words in range(2, depth + 1))

    def _enter(self) -> None:
        """One depth more: which definitions stand there, and which members one deeper, up to too many of them."""
        self._layer = list(islice(self._deeper(), self._most))
        self._members += len(self._layer)
        self._entered += 1

    def _deeper(self) -> Iterator[Json]:
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


def largest(forms: Sequence[Form], most: int) -> Form:
    """The last form that takes no more bytes, or the first of all."""
    return next((form for form in reversed(forms) if form.size <= most), forms[0])


def size_of(data: Any) -> int:  # noqa: ANN401 - JSON
    """Bytes of JSON that is written compactly."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


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


def _members(schema: Json) -> Iterator[Json]:
    yield from schema.get("properties", {}).values()
    if isinstance(more := schema.get("additionalProperties"), Mapping):
        yield more


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
        said = {word: schema[word] for word in _WORDS if word in schema and place <= self.words}
        if "$ref" in schema:
            written = self._reference(key_of(schema))
        elif place >= self.depth and any(True for _ in _members(schema)):
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


def _is_plain(schema: Json) -> bool:
    """Whether nothing is inside of it."""
    return "$ref" not in schema and not any(True for part in (_beside(schema), _members(schema)) for _ in part)


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
