"""A type, however it was written, and the JSON Schema that callers are shown for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


Keys = Callable[[Sequence[str]], Mapping[str, str]]
"""From the names of an object's members to the keys that callers are shown; one without a key is not shown."""


def as_named(members: Sequence[str]) -> Mapping[str, str]:
    """Every member under its own name, as on the wire."""
    return {name: name for name in members}


def json_schema(
    schema: Schema, direction: Direction, name_of: Callable[[str], str], keys_of: Keys = as_named
) -> dict[str, Any]:
    """The JSON Schema of a type.

    Inputs are strict. Answers are lenient, as real ones are: unknown members and enum values are allowed, optional
    members may be null, constraints are left out. `name_of` gives the key under `#/$defs/` of a catalog schema.
    """
    return _Writer(direction, name_of, keys_of).written(schema)


@dataclass(frozen=True, slots=True)
class _Writer:
    direction: Direction
    name_of: Callable[[str], str]
    keys_of: Keys

    def written(self, schema: Schema) -> dict[str, Any]:
        written = self._plain(schema)
        if schema.nullable:
            written = _or_null(written)
        if schema.description:
            written["description"] = schema.description
        if self.direction == "output":
            return written
        if schema.title:
            written["title"] = schema.title
        if schema.default:
            written["default"] = schema.default[0]
        if schema.example and not schema.secret:
            written["examples"] = [schema.example[0]]
        return written

    def _plain(self, schema: Schema) -> dict[str, Any]:
        if schema.kind == "ref":
            return {"$ref": f"#/$defs/{self.name_of(schema.ref)}"}
        if schema.kind == "union":
            return {"anyOf": [self.written(one) for one in schema.variants]}
        if schema.kind == "file":
            return {"type": "string", "contentEncoding": "base64"}
        allowed = {"enum": list(schema.enum)} if schema.enum and self.direction == "input" else {}
        if schema.kind == "any":
            return allowed
        written: dict[str, Any] = {"type": "number" if schema.kind == "decimal" else schema.kind}
        written |= {"format": schema.format} if schema.format else {}
        written |= allowed
        if self.direction == "input":
            written |= schema.constraints
        if schema.items:
            written["items"] = self.written(schema.items)
        return written | self._object(schema) if schema.kind == "object" else written

    def _object(self, schema: Schema) -> dict[str, Any]:
        if schema.values is not None:
            return {"additionalProperties": self.written(schema.values) or True}
        going = schema.going(self.direction)
        keys = self.keys_of([member.name for member in going])
        members = [(keys[member.name], member) for member in going if member.name in keys]
        written: dict[str, Any] = {"properties": {key: self._member(member) for key, member in members}}
        if required := [key for key, member in members if member.required]:
            written["required"] = required
        if self.direction == "input":
            written["additionalProperties"] = schema.open
        return written

    def _member(self, member: Member) -> dict[str, Any]:
        lenient = self.direction == "output" and not member.required
        return self.written(replace(member.schema, nullable=True) if lenient else member.schema)


def _or_null(written: dict[str, Any]) -> dict[str, Any]:
    if not written:
        return written
    if "anyOf" in written:
        return {**written, "anyOf": [*written["anyOf"], {"type": "null"}]}
    if isinstance(written.get("type"), str) and "enum" not in written:
        return written | {"type": [written["type"], "null"]}
    return {"anyOf": [written, {"type": "null"}]}
