"""Reads types in both ways of writing them: a catalog field, or a JSON Schema (2020-12)."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, get_args

from pydantic_core import SchemaError, SchemaValidator, core_schema

from mcp_codegen.catalog import NamedField, TypeName, TypeSpec
from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.schema import Kind, Member, Schema
from mcp_codegen.validation import kind_of, nearest

_TYPES: Final[Mapping[str, tuple[Kind, str]]] = {
    "string": ("string", ""),
    "int": ("integer", ""),
    "integer": ("integer", ""),
    "number": ("number", ""),
    "float": ("number", ""),
    "bool": ("boolean", ""),
    "boolean": ("boolean", ""),
    "date": ("string", "date"),
    "datetime": ("string", "date-time"),
    "object": ("object", ""),
    "array": ("array", ""),
    "any": ("any", ""),
}
_NOT_YET: Final = frozenset({"decimal", "file"})
_CONSTRAINTS: Final[Mapping[str, tuple[Kind, ...]]] = {
    "pattern": ("string",),
    "minLength": ("string",),
    "maxLength": ("string",),
    "minimum": ("integer", "number"),
    "maximum": ("integer", "number"),
    "exclusiveMinimum": ("integer", "number"),
    "exclusiveMaximum": ("integer", "number"),
    "multipleOf": ("integer", "number"),
    "minItems": ("array",),
    "maxItems": ("array",),
}
_SIZES: Final = frozenset({"minLength", "maxLength", "minItems", "maxItems"})
_LARGEST_SIZE: Final = 2**31 - 1
_WORDS: Final = frozenset(
    {"type", "format", "title", "description", "enum", "const", "properties", "required", "items", "nullable", "$ref"}
    | {"additionalProperties", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "$comment"}
    | {"externalDocs", "xml", "contentEncoding", "contentMediaType", "$schema", "$id"}
    | _CONSTRAINTS.keys()
)
_LATER: Final = frozenset(
    {"allOf", "oneOf", "anyOf", "not", "if", "then", "else", "discriminator", "prefixItems", "contains", "$defs"}
    | {"patternProperties", "propertyNames", "minProperties", "maxProperties", "dependentRequired", "definitions"}
    | {
        "unevaluatedProperties",
        "unevaluatedItems",
        "dependentSchemas",
        "$dynamicRef",
        "$anchor",
        "minContains",
        "uniqueItems",
    }
)
_REFERENCE: Final = re.compile(r"#/schemas/([^/]+)")


_CONSTRAINT_FIELDS: Final = {
    "pattern", "min_length", "max_length", "minimum", "maximum", "exclusive_minimum", "exclusive_maximum",
    "multiple_of", "min_items", "max_items",
}  # fmt: skip


class Reader:
    """Reads types and remembers what is wrong with them; where one cannot be read, `any` stands in for it."""

    def __init__(self, schemas: Mapping[str, object]) -> None:
        self.problems: list[Problem] = []
        self._known = schemas

    # --- catalog fields ----------------------------------------------------------------------------

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
            read = self.json(spec.schema_, (*pointer, "schema"))
            return self._annotated(read, spec, pointer)
        constraints = spec.model_dump(by_alias=True, include=_CONSTRAINT_FIELDS, exclude_none=True)
        schema = Schema(
            pointer,
            kind,
            format=spec.format or implied,
            enum=tuple(spec.enum or ()),
            constraints=self._constraints(constraints, kind, pointer),
            members=self.fields(spec.fields, (*pointer, "fields"), required=False).members if spec.fields else (),
            items=self.field(spec.items, (*pointer, "items")) if spec.items else None,
            values=Schema(pointer, "any") if kind == "object" and not spec.fields else None,
            ref=self._reference(spec.ref, pointer) if spec.ref else "",
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
            return (implied[ways[0]] if ways else "any"), ""
        if spec.type in _NOT_YET:
            self._refuse_later((*pointer, "type"), f"type {shown(spec.type)}")
            return "any", ""
        kind, implied_format = _TYPES[spec.type]
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

    # --- JSON Schema -------------------------------------------------------------------------------

    def json(self, schema: object, pointer: Pointer) -> Schema:
        """The type that a JSON Schema describes."""
        if schema is True:
            return Schema(pointer, "any")
        if not isinstance(schema, Mapping):
            self._refuse(pointer, "this is not a JSON Schema that a value can fit", "write an object")
            return Schema(pointer, "any")
        self._check_words(schema, pointer)
        kind, nullable, implied = self._kind_of_json(schema, pointer)
        constraints = {key: schema[key] for key in _CONSTRAINTS if key in schema}
        read = Schema(
            pointer,
            kind,
            format=self._text(schema, "format", pointer) or implied,
            title=self._text(schema, "title", pointer),
            description=self._text(schema, "description", pointer),
            nullable=nullable,
            enum=self._enum(schema, pointer),
            constraints=self._constraints(constraints, kind, pointer),
            members=self._members(schema, pointer) if kind == "object" else (),
            items=self.json(schema["items"], (*pointer, "items")) if kind == "array" and "items" in schema else None,
            values=self._values(schema, pointer) if kind == "object" else None,
            open="additionalProperties" in schema and schema["additionalProperties"] is not False,
            ref=self._reference(schema["$ref"], (*pointer, "$ref")) if kind == "ref" else "",
            default=(schema["default"],) if "default" in schema else (),
            example=(schema["example"],) if "example" in schema else (),
        )
        return self._checked(read)

    def _check_words(self, schema: Mapping[str, Any], pointer: Pointer) -> None:
        for word in schema:
            if word in _LATER:
                self._refuse_later((*pointer, word), f"the JSON Schema keyword {shown(word)}", at_key=True)
            elif word not in _WORDS and not word.startswith("x-"):
                hint = nearest(word, _WORDS) if len(word) > 1 else "remove it"
                hint = hint if hint.startswith("did") else "remove it, or start it with x-"
                self._refuse((*pointer, word), f"unknown JSON Schema keyword {shown(word)}", hint, at_key=True)

    def _kind_of_json(self, schema: Mapping[str, Any], pointer: Pointer) -> tuple[Kind, bool, str]:
        named = schema.get("type")
        nullable = schema.get("nullable") is True
        if "$ref" in schema:
            return "ref", nullable, ""
        if isinstance(named, list):
            rest = [one for one in named if one != "null"]
            nullable = nullable or len(rest) < len(named)
            if len(rest) != 1:
                self._refuse_later((*pointer, "type"), "several types for one value")
                return "any", nullable, ""
            named = rest[0]
        if named is None:
            return _kind_without_type(schema), nullable, ""
        if not isinstance(named, str) or (named not in _TYPES and named not in _NOT_YET):
            said = (
                f"unknown type {shown(named)}" if isinstance(named, str) else f"expected text, found {kind_of(named)}"
            )
            self._refuse((*pointer, "type"), said, nearest(named if isinstance(named, str) else "", get_args(TypeName)))
            return "any", nullable, ""
        if named in _NOT_YET:
            self._refuse_later((*pointer, "type"), f"type {shown(named)}")
            return "any", nullable, ""
        kind, implied = _TYPES[named]
        return kind, nullable, implied

    def _enum(self, schema: Mapping[str, Any], pointer: Pointer) -> tuple[Any, ...]:
        if "const" in schema:
            return (schema["const"],)
        values = schema.get("enum", [])
        if not isinstance(values, list) or ("enum" in schema and not values):
            self._refuse((*pointer, "enum"), "an enum is a list of at least one value", "list the values")
            return ()
        return tuple(values)

    def _members(self, schema: Mapping[str, Any], pointer: Pointer) -> tuple[Member, ...]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, Mapping):
            self._refuse((*pointer, "properties"), "expected an object", "map each member's name to its schema")
            return ()
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            self._refuse((*pointer, "required"), "expected a list of names", "list the members that are always there")
            required = []
        for index, name in enumerate(required):
            if name not in properties:
                hint = nearest(name, properties) if properties else "remove it"
                self._refuse((*pointer, "required", index), f"{shown(name)} is not among the properties", hint)
        return tuple(
            Member(name, self.json(inner, (*pointer, "properties", name)), name in required)
            for name, inner in properties.items()
        )

    def _values(self, schema: Mapping[str, Any], pointer: Pointer) -> Schema | None:
        more = schema.get("additionalProperties", True)
        if schema.get("properties"):
            if isinstance(more, Mapping) and more:
                where = (*pointer, "additionalProperties")
                self._refuse_later(where, "a type for additional members beside named ones", at_key=True)
            return None
        if more is False:
            return None
        return self.json(more, (*pointer, "additionalProperties"))

    # --- both --------------------------------------------------------------------------------------

    def _reference(self, ref: object, pointer: Pointer) -> str:
        match = _REFERENCE.fullmatch(ref) if isinstance(ref, str) else None
        if not match:
            self._refuse(pointer, f"cannot follow {shown(str(ref))}", "write '#/schemas/NAME'")
            return ""
        name = match[1].replace("~1", "/").replace("~0", "~")
        if name not in self._known:
            self._refuse(pointer, f"there is no schema {shown(name)}", nearest(name, self._known))
            return ""
        return name

    def _checked(self, schema: Schema) -> Schema:
        if schema.kind == "ref" and not schema.ref:
            return replace(schema, kind="any")
        if schema.kind == "array" and schema.items is None:
            return replace(schema, items=Schema(schema.pointer, "any"))
        if schema.enum:
            return self._checked_enum(schema)
        return schema

    def _checked_enum(self, schema: Schema) -> Schema:
        values = tuple(value for value in schema.enum if value is not None)
        where = (*schema.pointer, "enum")
        kinds = {_kind_of_value(value) for value in values}
        kind = next(iter(kinds)) if schema.kind == "any" and len(kinds) == 1 else schema.kind
        if not values:
            self._refuse_later(where, "an enum of nothing but null")
        elif kind == "any":
            self._refuse_later(where, "an enum of values of several types")
        elif kind not in ("string", "integer", "boolean"):
            self._refuse_later(where, f"an enum of {kind} values")
        elif kinds != {kind}:
            self._refuse(where, f"not every value fits the type {kind}", "mend the values or the type")
        elif len(set(values)) < len(values):
            self._refuse(where, "a value stands here twice", "remove one")
        else:
            nullable = schema.nullable or len(values) < len(schema.enum)
            return replace(schema, kind=kind, enum=values, nullable=nullable)
        return replace(schema, kind="any", enum=())

    def _constraints(self, found: Mapping[str, Any], kind: Kind, pointer: Pointer) -> dict[str, Any]:
        kept = {}
        for key, value in found.items():
            where = (*pointer, key)
            if kind == "any" and any(problem.pointer[: len(pointer)] == pointer for problem in self.problems):
                continue  # there is no type to hold it against, and that is said
            if problem := _constraint_problem(key, value, kind):
                self._refuse(where, *problem)
            else:
                kept[key] = int(value) if isinstance(value, float) and value.is_integer() else value
        for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
            if low in kept and high in kept and kept[low] > kept[high]:
                self._refuse((*pointer, low), f"{low} is greater than {high}: no value fits", "mend one of them")
        return kept

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


def _constraint_problem(key: str, value: object, kind: Kind) -> tuple[str, str] | None:
    if kind not in _CONSTRAINTS[key]:
        beside = "'$ref'" if kind == "ref" else f"type {kind}"
        return f"{shown(key)} does not go with {beside}", "remove one of them, or mend the type"
    if key == "pattern":
        return _pattern_problem(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"expected a number, found {kind_of(value)}", "write it without quotes"
    if abs(value) > sys.float_info.max:
        return "this number is too large to be compared with", "write a smaller one, or remove the key"
    if key in _SIZES and not (0 <= value <= _LARGEST_SIZE and value == int(value)):
        return f"expected a whole number from 0 to {_LARGEST_SIZE}", "write a length or a count"
    return _number_problem(key, value, kind)


def _number_problem(key: str, value: float, kind: Kind) -> tuple[str, str] | None:
    if kind == "integer" and value != int(value):
        return "expected a whole number", "write one, or make the type a number"
    return ("must be greater than 0", "raise it") if key == "multipleOf" and value <= 0 else None


def _pattern_problem(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return f"expected text, found {kind_of(value)}", "write a regular expression, in quotes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return f"{shown(value)} is not a regular expression", "mend it"
    except FutureWarning:
        return f"{shown(value)} means different things to different engines", "write the set of characters out"
    try:
        SchemaValidator(core_schema.str_schema(pattern=value))
    except SchemaError:
        hint = "write it shorter, without look-around and back references"
        return f"{shown(value)} is a regular expression that cannot be checked quickly", hint
    return None


def _kind_without_type(schema: Mapping[str, Any]) -> Kind:
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema else "any"


def _kind_of_value(value: object) -> Kind:
    kinds: dict[type, Kind] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")
