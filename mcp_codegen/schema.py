"""A type, however it was written, and the JSON Schema that callers are shown for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from mcp_codegen.errors import Pointer

Kind = Literal["string", "integer", "number", "decimal", "boolean", "object", "array", "file", "any", "ref", "union"]
Direction = Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Schema:
    """A type: what it is, what it allows, and where it was written."""

    pointer: Pointer
    kind: Kind
    format: str = ""
    title: str = ""
    description: str = ""
    nullable: bool = False
    enum: tuple[Any, ...] = ()
    constraints: Mapping[str, Any] = field(default_factory=dict)
    members: tuple[Member, ...] = ()
    items: Schema | None = None
    values: Schema | None = None
    """Of an object that maps any key to one type; None where the members say it all."""
    open: bool = False
    """An object that callers may give more members than it names."""
    ref: str = ""
    """The name of one of the catalog's schemas, when the kind is `ref`."""
    default: tuple[Any, ...] = ()
    """Empty, or the one default."""
    example: tuple[Any, ...] = ()
    """Empty, or the one example."""
    secret: bool = False
    variants: tuple[Schema, ...] = ()
    """The alternatives, when the kind is `union`."""
    only: str = ""
    """The one direction that it goes in, `input` or `output`; empty for both."""

    def going(self, direction: Direction) -> tuple[Member, ...]:
        """The members that go in a direction."""
        return tuple(member for member in self.members if member.schema.only in ("", direction))


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object."""

    name: str
    schema: Schema
    required: bool


def json_schema(schema: Schema, direction: Direction, name_of: Callable[[str], str]) -> dict[str, Any]:
    """The JSON Schema that callers are shown.

    Inputs are strict. Answers are lenient, as real ones are: unknown members and enum values are allowed, optional
    members may be null, constraints are left out. `name_of` gives the key under `#/$defs/` of a catalog schema.
    """
    written = _inner(schema, direction, name_of)
    if schema.nullable:
        written = _or_null(written)
    if schema.description:
        written["description"] = schema.description
    if schema.title and direction == "input":
        written["title"] = schema.title
    if schema.default and direction == "input":
        written["default"] = schema.default[0]
    if schema.example and direction == "input" and not schema.secret:
        written["examples"] = [schema.example[0]]
    return written


def _inner(schema: Schema, direction: Direction, name_of: Callable[[str], str]) -> dict[str, Any]:
    if schema.kind == "ref":
        return {"$ref": f"#/$defs/{name_of(schema.ref)}"}
    if schema.kind == "union":
        return {"anyOf": [json_schema(one, direction, name_of) for one in schema.variants]}
    if schema.kind in ("any", "file"):
        return _of_any_kind(schema, direction)
    written: dict[str, Any] = {"type": "number" if schema.kind == "decimal" else schema.kind}
    if schema.format:
        written["format"] = schema.format
    if schema.enum and direction == "input":
        written["enum"] = list(schema.enum)
    if direction == "input":
        written |= schema.constraints
    if schema.items:
        written["items"] = json_schema(schema.items, direction, name_of)
    if schema.kind == "object":
        written |= _object(schema, direction, name_of)
    return written


def _of_any_kind(schema: Schema, direction: Direction) -> dict[str, Any]:
    if schema.kind == "file":
        return {"type": "string", "contentEncoding": "base64"}
    return {"enum": list(schema.enum)} if schema.enum and direction == "input" else {}


def _object(schema: Schema, direction: Direction, name_of: Callable[[str], str]) -> dict[str, Any]:
    if schema.values is not None:
        return {"additionalProperties": json_schema(schema.values, direction, name_of) or True}
    written: dict[str, Any] = {"properties": {}}
    for member in schema.going(direction):
        lenient = direction == "output" and not member.required
        shown_schema = replace(member.schema, nullable=True) if lenient else member.schema
        written["properties"][member.name] = json_schema(shown_schema, direction, name_of)
    if required := [member.name for member in schema.going(direction) if member.required]:
        written["required"] = required
    if direction == "input":
        written["additionalProperties"] = schema.open
    return written


def _or_null(written: dict[str, Any]) -> dict[str, Any]:
    if not written:
        return written
    if "anyOf" in written:
        return {**written, "anyOf": [*written["anyOf"], {"type": "null"}]}
    if isinstance(written.get("type"), str) and "enum" not in written:
        return written | {"type": [written["type"], "null"]}
    return {"anyOf": [written, {"type": "null"}]}
