"""Reads JSON Schemas (2020-12, and what OpenAPI 3.0 adds) into types."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, get_args

from mcp_codegen.catalog import TypeName
from mcp_codegen.constraints import CONSTRAINTS, constraint_problem
from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.kinds import TYPES, fits, kind_of_values
from mcp_codegen.merging import ANNOTATIONS, is_only_required, merged, variants
from mcp_codegen.schema import Kind, Member, Schema
from mcp_codegen.validation import kind_of, nearest

_UNCHECKED: Final = frozenset(
    {"not", "if", "then", "else", "prefixItems", "contains", "minContains", "maxContains", "patternProperties"}
    | {"propertyNames", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "uniqueItems"}
    | {"unevaluatedProperties", "unevaluatedItems", "additionalItems", "contentSchema"}
)
"""Keywords that narrow a value down further than is checked here; the upstream checks them."""
_WORDS: Final = (
    frozenset({"type", "format", "enum", "const", "properties", "required", "items", "nullable", "$ref"})
    | {"additionalProperties", "allOf", "oneOf", "anyOf", "discriminator"}
    | ANNOTATIONS
    | CONSTRAINTS.keys()
    | _UNCHECKED
)
_LATER: Final = frozenset({"$defs", "definitions", "$dynamicRef", "$dynamicAnchor", "$anchor", "$vocabulary"})
_REFERENCE: Final = re.compile(r"#/schemas/([^/]+)")


def _together(schema: Mapping[str, Any], own: Collection[str]) -> Mapping[str, Any]:
    """What was put together from parts, each of which is right by itself.

    A constraint that does not go with another part's type says nothing (2020-12, Validation, 6.1), and a member that
    one part requires and no other describes may be anything.
    Plain values in an enum are more telling than a type. own: what stands beside a reference, where it is a mistake.
    """
    kind, _ = TYPES.get(str(schema.get("type")), (None, ""))
    strange = {key for key in CONSTRAINTS.keys() & schema.keys() - own if kind and kind not in CONSTRAINTS[key]}
    values = schema.get("enum")
    if kind in ("object", "array") and isinstance(values, list) and not any(map(_is_structure, values)):
        strange |= {"type", "properties", "required", "items"}  # the values say what they are
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(properties, Mapping) and isinstance(required, list):
        missing: dict[str, Any] = {name: {} for name in required if isinstance(name, str) and name not in properties}
        schema = {**schema, "properties": {**properties, **missing}} if missing else schema
    return {key: value for key, value in schema.items() if key not in strange} if strange else schema


class SchemaReader:
    """Reads types and remembers what is wrong with them; where one cannot be read, `any` stands in for it."""

    def __init__(self, schemas: Mapping[str, object]) -> None:
        self.problems: list[Problem] = []
        self._known = schemas

    def json(self, schema: object, pointer: Pointer) -> Schema:
        """The type that a JSON Schema describes."""
        if schema is True:
            return Schema(pointer, "any")
        if not isinstance(schema, Mapping):
            self._refuse(pointer, "this is not a JSON Schema that a value can fit", "write an object")
            return Schema(pointer, "any")
        self._check_words(schema, pointer)
        plain = merged(schema, self._resolve)
        if plain is not schema:
            plain = _together(plain, own=schema.keys() if "$ref" in schema else ())
        alternatives = variants(plain)
        if alternatives and not all(map(is_only_required, _own(plain))):
            return self._union(plain, alternatives, pointer)
        return self._plain(plain, pointer)

    # --- one type ----------------------------------------------------------------------------------

    def _plain(self, schema: Mapping[str, Any], pointer: Pointer) -> Schema:
        named = schema.get("type")
        if isinstance(named, list) and len([one for one in named if one != "null"]) > 1:
            each = [{**schema, "type": one} for one in named]
            return self._union(schema, each, pointer)
        kind, nullable, implied = self._kind(schema, pointer)
        constraints = {key: schema[key] for key in CONSTRAINTS if key in schema}
        return self._checked(
            Schema(
                pointer,
                kind,
                format=self._text(schema, "format", pointer) or implied,
                title=self._text(schema, "title", pointer),
                description=self._text(schema, "description", pointer),
                nullable=nullable,
                enum=self._enum(schema, pointer),
                constraints=self.constraints(constraints, kind, pointer),
                members=self._members(schema, pointer) if kind == "object" else (),
                items=self._items(schema, pointer) if kind == "array" else None,
                values=self._values(schema, pointer) if kind == "object" else None,
                open=_is_open(schema),
                ref=self.reference(schema["$ref"], (*pointer, "$ref")) if kind == "ref" else "",
                default=(schema["default"],) if "default" in schema else (),
                example=(schema["example"],) if "example" in schema else (),
                only=_only(schema),
            )
        )

    def _kind(self, schema: Mapping[str, Any], pointer: Pointer) -> tuple[Kind, bool, str]:
        """What the value is, whether it may be null, and the format that its type implies."""
        named = schema.get("type")
        nullable = schema.get("nullable") is True
        if "$ref" in schema:
            return "ref", nullable, ""
        if isinstance(named, list):
            nullable = nullable or "null" in named
            named = next((one for one in named if one != "null"), "null")
        if named == "null":
            return "any", True, ""
        if named is None:
            return self._kind_without_type(schema), nullable, ""
        if not isinstance(named, str) or named not in TYPES:
            said = (
                f"unknown type {shown(named)}" if isinstance(named, str) else f"expected text, found {kind_of(named)}"
            )
            self._refuse((*pointer, "type"), said, nearest(named if isinstance(named, str) else "", get_args(TypeName)))
            return "any", nullable, ""
        kind, implied = TYPES[named]
        return kind, nullable, implied

    def _kind_without_type(self, schema: Mapping[str, Any]) -> Kind:
        if "properties" in schema or "additionalProperties" in schema:
            return "object"
        if "items" in schema:
            return "array"
        values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
        return kind_of_values(values) if isinstance(values, list) and values else "any"

    def _enum(self, schema: Mapping[str, Any], pointer: Pointer) -> tuple[Any, ...]:
        if "const" in schema:
            return (schema["const"],)
        values = schema.get("enum", [])
        if not isinstance(values, list) or ("enum" in schema and not values):
            self._refuse((*pointer, "enum"), "an enum is a list of at least one value", "list the values")
            return ()
        return tuple(values)

    def _items(self, schema: Mapping[str, Any], pointer: Pointer) -> Schema:
        written = schema.get("items", True)
        return Schema(pointer, "any") if isinstance(written, list) else self.json(written, (*pointer, "items"))

    def _members(self, schema: Mapping[str, Any], pointer: Pointer) -> tuple[Member, ...]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, Mapping):
            self._refuse((*pointer, "properties"), "expected an object", "map each member's name to its schema")
            return ()
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            self._refuse((*pointer, "required"), "expected a list of names", "list the members that are always there")
            required = []
        for index, name in enumerate(required):
            if name not in properties and "allOf" not in schema and _is_written(schema):
                hint = nearest(name, properties) if properties else "remove it"
                self._refuse((*pointer, "required", index), f"{shown(name)} is not among the properties", hint)
        return tuple(
            Member(name, self.json(inner, (*pointer, "properties", name)), name in required)
            for name, inner in properties.items()
        )

    def _values(self, schema: Mapping[str, Any], pointer: Pointer) -> Schema | None:
        more = schema.get("additionalProperties", True)
        if schema.get("properties"):
            return None
        if more is False:
            return None
        return self.json(more, (*pointer, "additionalProperties"))

    # --- several types -----------------------------------------------------------------------------

    def _union(self, schema: Mapping[str, Any], alternatives: Sequence[Mapping[str, Any]], pointer: Pointer) -> Schema:
        word = "oneOf" if "oneOf" in schema else "anyOf"
        places = [(*pointer, word, index) if word in schema else pointer for index in range(len(alternatives))]
        read = [self.json(one, place) for one, place in zip(alternatives, places, strict=True) if not _is_null(one)]
        null = len(read) < len(alternatives) or schema.get("nullable") is True or any(one.nullable for one in read)
        plain = tuple(replace(one, nullable=False) for one in read)
        joined = _joined(plain, pointer)
        return replace(
            joined,
            pointer=pointer,
            title=self._text(schema, "title", pointer) or joined.title,
            description=self._text(schema, "description", pointer) or joined.description,
            nullable=null,
            default=(schema["default"],) if "default" in schema else (),
            example=(schema["example"],) if "example" in schema else (),
            only=_only(schema),
        )

    # --- what both ways of writing need ------------------------------------------------------------

    def reference(self, ref: object, pointer: Pointer) -> str:
        """The name of the catalog's schema that a reference means; empty, and a problem, where there is none."""
        match = _REFERENCE.fullmatch(ref) if isinstance(ref, str) else None
        if not match:
            self._refuse(pointer, f"cannot follow {shown(str(ref))}", "write '#/schemas/NAME'")
            return ""
        name = match[1].replace("~1", "/").replace("~0", "~")
        if name not in self._known:
            self._refuse(pointer, f"there is no schema {shown(name)}", nearest(name, self._known))
            return ""
        return name

    def constraints(self, found: Mapping[str, Any], kind: Kind, pointer: Pointer) -> dict[str, Any]:
        """The constraints that can be checked."""
        kept = {}
        for key, value in found.items():
            if kind == "any" and any(problem.pointer[: len(pointer)] == pointer for problem in self.problems):
                continue  # there is no type to hold it against, and that is said
            if problem := constraint_problem(key, value, kind):
                self._refuse((*pointer, key), *problem)
            else:
                kept[key] = int(value) if isinstance(value, float) and value.is_integer() else value
        for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
            if low in kept and high in kept and kept[low] > kept[high]:
                self._refuse((*pointer, low), f"{low} is greater than {high}: no value fits", "mend one of them")
        return {} if kind in ("any", "union") else kept

    def _resolve(self, reference: str) -> Mapping[str, Any] | None:
        match = _REFERENCE.fullmatch(reference)
        found = self._known.get(match[1].replace("~1", "/").replace("~0", "~")) if match else None
        return found if isinstance(found, Mapping) else None

    def _checked(self, schema: Schema) -> Schema:
        if schema.kind == "ref" and not schema.ref:
            return replace(schema, kind="any")
        if schema.kind == "array" and schema.items is None:
            return replace(schema, items=Schema(schema.pointer, "any"))
        return self._checked_enum(schema) if schema.enum else schema

    def _checked_enum(self, schema: Schema) -> Schema:
        values = tuple(value for value in schema.enum if value is not None)
        where = (*schema.pointer, "enum")
        nullable = schema.nullable or len(values) < len(schema.enum)
        if any(not fits(value, schema.kind) for value in values):
            self._refuse(where, f"not every value fits the type {schema.kind}", "mend the values or the type")
        elif len({repr(value) for value in values}) < len(values):
            self._refuse(where, "a value stands here twice", "remove one")
        return replace(schema, enum=values, nullable=nullable)

    def _check_words(self, schema: Mapping[str, Any], pointer: Pointer) -> None:
        for word in schema:
            if word in _LATER:
                self._refuse_later((*pointer, word), f"the JSON Schema keyword {shown(word)}", at_key=True)
            elif word not in _WORDS and not word.startswith("x-"):
                hint = nearest(word, _WORDS)
                hint = hint if hint.startswith("did") else "remove it, or start it with x-"
                self._refuse((*pointer, word), f"unknown JSON Schema keyword {shown(word)}", hint, at_key=True)

    def _text(self, schema: Mapping[str, Any], key: str, pointer: Pointer) -> str:
        value = schema.get(key, "")
        if isinstance(value, str):
            return value
        self._refuse((*pointer, key), f"expected text, found {kind_of(value)}", "write text, in quotes")
        return ""

    def _refuse(self, pointer: Pointer, message: str, hint: str, *, at_key: bool = False) -> None:
        self.problems.append(Problem(pointer, message, hint, at_key))

    def _refuse_later(self, pointer: Pointer, what: str, *, at_key: bool = False) -> None:
        hint = "describe the value in a simpler way, or as type 'any'"
        self.problems.append(Problem(pointer, f"{what} cannot be generated yet", hint, at_key))


def _joined(read: Sequence[Schema], pointer: Pointer) -> Schema:
    """One type for several alternatives."""
    if not read or any(one.kind == "any" and not one.enum for one in read):
        return Schema(pointer, "any")
    if len(read) == 1:
        return read[0]
    if all(one.enum and one.kind == read[0].kind for one in read):
        values = {repr(value): value for one in read for value in one.enum}
        return replace(read[0], enum=tuple(values.values()), title="", description="")
    return Schema(pointer, "union", variants=tuple(read))


def _own(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    written = schema.get("oneOf", schema.get("anyOf", []))
    return [one for one in written if isinstance(one, Mapping)]


def _is_written(schema: Mapping[str, Any]) -> bool:
    """Whether this is as a person wrote it: what was merged may require what another part names."""
    return "properties" in schema


def _is_structure(value: object) -> bool:
    return isinstance(value, list | Mapping)


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether more members than those named may be given: as the schema says, and in the base of a discriminator."""
    more = schema.get("additionalProperties")
    return (more is not None and more is not False) or "discriminator" in schema


def _only(schema: Mapping[str, Any]) -> str:
    """The one direction that a value goes in; empty for both."""
    if schema.get("readOnly") is True:
        return "output"
    return "input" if schema.get("writeOnly") is True else ""


def _is_null(schema: Mapping[str, Any]) -> bool:
    return (
        schema.get("type") == "null" or schema.get("enum") == [None] or ("const" in schema and schema["const"] is None)
    )
