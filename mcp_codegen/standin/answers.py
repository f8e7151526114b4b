"""Answers made from their type: the same inputs always get the same one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from mcp_codegen.schema import Member, Schema
from mcp_codegen.standin import identifiers, numbers, strings
from mcp_codegen.standin.draw import Draw
from mcp_codegen.standin.identifiers import Identifiers

Path = tuple[str, ...]

MOST_VALUES: Final = 5_000
"""In one answer; lists end early where there would be more, and from twice as many on objects are empty."""
DEEPEST: Final = 24
DEEPEST_ECHO: Final = 4
SHALLOW: Final = 8
"""From this depth on, and from the second time that a type holds itself, what may be absent is."""
USUAL_ITEMS: Final = 3
MOST_ITEMS: Final = 5
ABSENT: Final = 10
EMPTY: Final = 12
NULL: Final = 8
"""One in so many."""


def make(
    answer: Schema, schemas: Mapping[str, Schema], known: Identifiers, draw: Draw, echoed: Mapping[Path, Any]
) -> Any:  # noqa: ANN401 - JSON
    """An answer of a type. `echoed` holds the members, by their paths, that give inputs back."""
    return _Making(schemas, known, echoed).value(answer, "", draw, (), ())


def make_item(
    schema: Schema, name: str, schemas: Mapping[str, Schema], known: Identifiers, draw: Draw
) -> Any:  # noqa: ANN401 - JSON
    """One item of a list of that name."""
    return _Making(schemas, known, {}).value(schema, name, draw, None, ())


def paths_of(names: Collection[str], answer: Schema, schemas: Mapping[str, Schema]) -> dict[Path, Schema]:
    """Where in an answer members of these names stand: those nearest to its root, never in lists or maps."""
    found: dict[Path, Schema] = {}
    missing, level = set(names), [((), answer)]  # type: tuple[set[str], list[tuple[Path, Schema]]]
    for _ in range(DEEPEST_ECHO):
        inside = [((*path, one.name), one.schema) for path, schema in level for one in _members(schema, schemas)]
        here = {path: schema for path, schema in inside if path[-1] in missing}
        found |= here
        missing -= {path[-1] for path in here}
        level = inside if missing else []
    return found


def _members(schema: Schema, schemas: Mapping[str, Schema]) -> tuple[Member, ...]:
    while schema.kind == "ref":
        schema = schemas[schema.ref]
    return schema.going("output")


class _Making:
    """One answer being made."""

    def __init__(self, schemas: Mapping[str, Schema], known: Identifiers, echoed: Mapping[Path, Any]) -> None:
        self._schemas, self._known, self._echoed = schemas, known, echoed
        self._left = MOST_VALUES
        self._depth = 0

    def value(self, schema: Schema, name: str, draw: Draw, path: Path | None, refs: Path) -> Any:  # noqa: ANN401 - JSON
        """A value of a type. `path`: its place, None inside a list or a map; `refs`: the named types around it."""
        self._left -= 1
        if path and path in self._echoed:
            return self._echoed[path]
        if schema.nullable and (self._is_deep(refs) or draw.one_in(NULL)):
            return None
        if schema.kind == "ref":
            return self.value(self._named(schema), name, draw, path, (*refs, schema.ref))
        if schema.kind == "union":
            return self.value(draw.one_of(schema.variants), name, draw.at("union"), path, refs)
        if schema.kind == "object":
            return self._object(schema, draw, path, refs)
        return self._array(schema, name, draw, refs) if schema.kind == "array" else self._scalar(schema, name, draw)

    def _named(self, schema: Schema) -> Schema:
        """The type that a reference means, with what the reference says about it."""
        target = self._schemas[schema.ref]
        said = schema.description or target.description
        return replace(target, description=said, example=schema.example or target.example)

    def _object(self, schema: Schema, draw: Draw, path: Path | None, refs: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self._depth >= DEEPEST or self._left <= -MOST_VALUES:
            return made
        self._depth += 1
        for member in schema.going("output"):
            inner = None if path is None else (*path, member.name)
            choices = draw.at(member.name)
            absent = self._is_deep(refs) or choices.one_in(ABSENT)
            if member.required or inner in self._echoed or not absent:
                made[member.name] = self.value(member.schema, member.name, choices, inner, refs)
        if schema.values is not None and schema.values.kind != "any" and not self._is_deep(refs):
            for key in ("first", "second", "third")[: draw.between(1, USUAL_ITEMS)]:
                made[key] = self.value(schema.values, key, draw.at(key), None, refs)
        self._depth -= 1
        return made

    def _array(self, schema: Schema, name: str, draw: Draw, refs: Path) -> list[Any]:
        assert schema.items is not None  # noqa: S101 - the reader sees to it
        made: list[Any] = []
        if self._depth >= DEEPEST:
            return made
        self._depth += 1
        for index in range(self._length(schema, draw, refs)):
            if self._left <= 0:
                break
            made.append(self.value(schema.items, name, draw.at(index), None, refs))
        self._depth -= 1
        return made

    def _length(self, schema: Schema, draw: Draw, refs: Path) -> int:
        low = int(schema.constraints.get("minItems", 0))
        high = int(schema.constraints.get("maxItems", max(low, USUAL_ITEMS)))
        if self._is_deep(refs) or high <= low:
            return low
        if low == 0 and draw.one_in(EMPTY):
            return 0
        return draw.between(max(low, 1), max(low, 1, min(high, MOST_ITEMS)))

    def _is_deep(self, refs: Path) -> bool:
        return self._depth >= SHALLOW or self._left <= 0 or len(set(refs)) < len(refs)

    def _scalar(self, schema: Schema, name: str, draw: Draw) -> Any:  # noqa: ANN401, PLR0911 - JSON; one a kind
        if schema.enum:
            return draw.one_of(schema.enum)
        example = schema.example[0] if schema.example else None
        if schema.kind == "integer":
            return numbers.integer(schema.constraints, name, example, draw)
        if schema.kind in ("number", "decimal"):
            return numbers.number(schema.constraints, name, example, draw)
        if schema.kind == "boolean":
            return draw.below(2) == 0
        if schema.kind == "file":
            return b64encode(draw.digits(24).encode()).decode()
        if schema.kind == "any" and example is not None:
            return example
        is_identifier = schema.kind == "string" and self._known.is_one(name)
        return identifiers.issue(name, schema, draw) if is_identifier else strings.text(schema, name, draw)
