"""Reads the catalog's own way of writing types: fields, nested in fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mcp_codegen.catalog import NamedField, TypeSpec
from mcp_codegen.errors import Pointer, shown
from mcp_codegen.kinds import TYPES, kind_of_values
from mcp_codegen.schema import Kind, Member, Schema
from mcp_codegen.schema_reading import SchemaReader

_CONSTRAINT_FIELDS: Final = {
    "pattern", "min_length", "max_length", "minimum", "maximum", "exclusive_minimum", "exclusive_maximum",
    "multiple_of", "min_items", "max_items",
}  # fmt: skip


class Reader(SchemaReader):
    """Reads fields, and the JSON Schemas that may stand in one."""

    def fields(self, fields: Sequence[NamedField], pointer: Pointer, *, required: bool) -> Schema:
        """The object that a list of fields describes."""
        members = []
        seen: set[str] = set()
        for index, one in enumerate(fields):
            where = (*pointer, index)
            if one.name in seen:
                self._refuse((*where, "name"), f"{shown(one.name)} stands here twice", "rename or remove one")
                continue
            seen.add(one.name)
            present = required if one.required is None else one.required
            members.append(Member(one.name, self.field(one, where), present))
        return Schema(pointer, "object", members=tuple(members))

    def field(self, spec: TypeSpec, pointer: Pointer) -> Schema:
        """The type of one field, of an input, or of an array's items."""
        kind, implied = self._kind_of_field(spec, pointer)
        if spec.schema_ is not None:
            return self._annotated(self.json(spec.schema_, (*pointer, "schema")), spec, pointer)
        constraints = spec.model_dump(by_alias=True, include=_CONSTRAINT_FIELDS, exclude_none=True)
        schema = Schema(
            pointer,
            kind,
            format=spec.format or implied,
            enum=tuple(spec.enum or ()),
            constraints=self.constraints(constraints, kind, pointer),
            members=self.fields(spec.fields, (*pointer, "fields"), required=False).members if spec.fields else (),
            items=self.field(spec.items, (*pointer, "items")) if spec.items else None,
            values=Schema(pointer, "any") if kind == "object" and not spec.fields else None,
            ref=self.reference(spec.ref, pointer) if spec.ref else "",
        )
        return self._annotated(self._checked(schema), spec, pointer)

    def _kind_of_field(self, spec: TypeSpec, pointer: Pointer) -> tuple[Kind, str]:
        ways = [key for key in ("fields", "items", "schema_", "ref") if getattr(spec, key) is not None]
        implied: dict[str, Kind] = {"fields": "object", "items": "array", "schema_": "any", "ref": "ref"}
        if len(ways) > 1:
            keys = " and ".join(shown({"schema_": "schema", "ref": "$ref"}.get(key, key)) for key in ways)
            self._refuse(pointer, f"{keys} describe the same value", "keep one of them")
        if spec.type is None:
            if not ways and not spec.enum:
                self._refuse(pointer, "this has no type", 'add one, such as "type": "string"')
            return (implied[ways[0]] if ways else kind_of_values(spec.enum or ())), ""
        kind, implied_format = TYPES[spec.type]
        if ways and implied[ways[0]] not in (kind, "any"):
            key = {"ref": "$ref"}.get(ways[0], ways[0])
            self._refuse((*pointer, "type"), f"type {shown(spec.type)} does not go with {shown(key)}", "remove one")
        return kind, implied_format

    def _annotated(self, schema: Schema, spec: TypeSpec, pointer: Pointer) -> Schema:
        given = spec.model_fields_set
        return replace(
            schema,
            pointer=pointer,
            title=spec.title or schema.title,
            description=spec.description or schema.description,
            nullable=spec.nullable or schema.nullable,
            default=(spec.default,) if "default" in given else schema.default,
            example=(spec.example,) if "example" in given else schema.example,
            secret=spec.secret or schema.secret,
        )
