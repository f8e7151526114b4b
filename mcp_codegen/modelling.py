"""From types of the catalog to Python: classes for objects, annotations for everything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mcp_codegen import names
from mcp_codegen.literals import call, literal
from mcp_codegen.package import Attribute, Import, Model, ModelModule
from mcp_codegen.schema import Direction, Member, Schema

SCALARS: Final[Mapping[str, str]] = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "any": "Any",
}  # fmt: skip
FORMATS: Final[Mapping[str, str]] = {"date": "dt.date", "date-time": "dt.datetime"}
_CONSTRAINTS: Final[Mapping[str, str]] = {
    "pattern": "pattern", "minLength": "min_length", "maxLength": "max_length", "minimum": "ge", "maximum": "le",
    "exclusiveMinimum": "gt", "exclusiveMaximum": "lt", "multipleOf": "multiple_of", "minItems": "min_length",
    "maxItems": "max_length",
}  # fmt: skip
COMMON: Final = "common"
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Root:
    """A type that a tool takes or gives, and what a class made from it is called after."""

    group: str
    source: str
    schema: Schema
    direction: Direction


@dataclass(frozen=True, slots=True)
class _Class:
    source: str
    schema: Schema
    direction: Direction


class Modeller:
    """Names every class of a package once, and writes annotations that use them."""

    def __init__(self, schemas: Mapping[str, Schema], roots: Sequence[Root], reserved: frozenset[str]) -> None:
        self._schemas = schemas
        reached: dict[str, _Class] = {}
        groups: dict[str, set[str]] = {}
        for root in roots:
            for one in self._classes(root.schema, root.direction, root.source, set()):
                reached.setdefault(one.source, one)
                groups.setdefault(one.source, set()).add(root.group)
        self._names = names.resolve(reached, names.pascal_case, names.RESERVED_CLASSES | reserved)
        self._module = {
            self._names[source]: next(iter(found)) if len(found) == 1 else COMMON for source, found in groups.items()
        }
        self._reached = tuple(reached.values())

    def module_of(self, class_name: str) -> str:
        """The module of `models/` that holds a class."""
        return self._module[class_name]

    def annotation(self, schema: Schema, direction: Direction, source: str, *, checked: bool = True) -> str:
        """A value's type. `checked` adds an input's constraints; a caller's own signature does without."""
        schema = self.resolved(schema)
        written = self._value(schema, direction, source, checked=checked)
        return f"{written} | None" if schema.nullable and written != "Any" else written

    def signature(self, schema: Schema, source: str, *, optional: bool) -> str:
        """The type of an argument as a caller sees it."""
        schema = self.resolved(schema)
        written = self._value(schema, "input", source, checked=False)
        null = " | None" if schema.nullable and schema.kind != "any" else ""
        return written + (" | MISSING" if optional else "") + null

    def described(self, schema: Schema, direction: Direction, source: str, *, optional: bool, **about: object) -> str:
        """The type of an argument or a member, with what is said about it. about: keywords of Field.

        What is optional may be absent; in an answer it may be null as well, as it is in real ones.
        """
        schema = self.resolved(schema)
        null = schema.kind != "any" and (schema.nullable or (optional and direction == "output"))
        if optional or null:
            written = self._value(schema, direction, source, checked=True)
            written += " | MISSING" if optional else ""
            written += " | None" if null else ""
        else:
            written = self._plain(schema, direction, source, checked=True)
            about |= _constraints(schema, direction)
        field = call("Field", **about)
        return written if field == "Field()" else f"Annotated[{written}, {field}]"

    def modules(self, titles: Mapping[str, str]) -> tuple[ModelModule, ...]:
        """The modules of `models/`, those that others import first."""
        held: dict[str, list[Model]] = {}
        for one in self._reached:
            model = self._model(one)
            held.setdefault(self._module[model.name], []).append(model)
        ordered = sorted(held, key=lambda module: (module != COMMON, module))
        return tuple(
            ModelModule(module, titles.get(module, ""), tuple(held[module]), self._imports(module, held[module]))
            for module in ordered
        )

    def used(self, annotation: str) -> tuple[str, ...]:
        """The classes that an annotation names, sorted."""
        words = names.words(annotation)
        return tuple(sorted((word for word in words if word in self._module), key=names.import_order))

    def resolved(self, schema: Schema) -> Schema:
        """What a reference to anything but an object stands for, with what is said beside the reference."""
        if schema.kind != "ref":
            return schema
        target = self._schemas[schema.ref]
        through = schema if _is_class(target) else self.resolved(target)
        return replace(
            through,
            nullable=schema.nullable or target.nullable or through.nullable,
            description=schema.description or through.description,
            secret=schema.secret or through.secret,
        )

    def _value(self, schema: Schema, direction: Direction, source: str, *, checked: bool) -> str:
        """The type of a value that is there, of a type that is resolved."""
        written = self._plain(schema, direction, source, checked=checked)
        if checked and (constraints := _constraints(schema, direction)):
            return f"Annotated[{written}, {call('Field', **constraints)}]"
        return written

    def _plain(self, schema: Schema, direction: Direction, source: str, *, checked: bool) -> str:
        if schema.kind == "ref":
            return self._names[_named(schema.ref, direction)]
        if _is_class(schema):
            return self._names[source]
        if schema.kind == "array" and schema.items:
            return f"list[{self.annotation(schema.items, direction, source, checked=checked)}]"
        if schema.kind == "object" and schema.values:
            return f"dict[str, {self.annotation(schema.values, direction, source, checked=checked)}]"
        scalar = SCALARS[schema.kind]
        if schema.kind == "string" and not _constraints(schema, direction):  # lengths and patterns are a text's
            scalar = FORMATS.get(schema.format, scalar)
        if schema.enum:
            choices = f"Literal[{', '.join(map(literal, schema.enum))}]"
            return choices if direction == "input" else f"{choices} | {SCALARS[schema.kind]}"
        return scalar

    def _classes(self, schema: Schema, direction: Direction, source: str, seen: set[str]) -> Iterator[_Class]:
        """Every class that a type needs, inner ones first."""
        if schema.kind == "ref":
            source = _named(schema.ref, direction) if _is_class(self._schemas[schema.ref]) else source
            if (schema.ref + source) not in seen:
                seen.add(schema.ref + source)
                yield from self._classes(self._schemas[schema.ref], direction, source, seen)
            return
        for inner in (schema.items, schema.values):
            if inner:
                yield from self._classes(inner, direction, source, seen)
        for member in schema.members:
            yield from self._classes(member.schema, direction, _inner(source, member.name), seen)
        if _is_class(schema):
            yield _Class(source, schema, direction)

    def _model(self, one: _Class) -> Model:
        spelled = names.resolve(
            [member.name for member in one.schema.members], names.field_name, names.RESERVED_ATTRIBUTES
        )
        base = "Model" if one.direction == "output" else "OpenInputModel" if one.schema.open else "InputModel"
        attributes = tuple(self._attribute(member, spelled[member.name], one) for member in one.schema.members)
        return Model(self._names[one.source], base, one.schema.description or self._about(one.source), attributes)

    def _about(self, source: str) -> str:
        """What a class is, where the catalog does not say it."""
        outer, _, _ = source.rpartition(_SEPARATOR)
        match [_plain_part(part) for part in source.split(_SEPARATOR)]:
            case ["", "", name, "input"]:
                return f"{name}, as callers pass it."
            case ["", api, "", "result"]:
                return f"What {api} answers."
            case ["", api, name]:
                return f"{name} of {api}."
            case parts:
                part_of = f", a part of {self._names[outer]}" if outer in self._names else ""
                return f"{parts[-1]}{part_of}."

    def _attribute(self, member: Member, name: str, one: _Class) -> Attribute:
        schema = self.resolved(member.schema)
        annotation = self.described(
            member.schema,
            one.direction,
            _inner(one.source, member.name),
            optional=not member.required,
            alias=member.name if member.name != name else None,
            description=member.schema.description or schema.description or None,
            repr=False if member.schema.secret else None,
        )
        return Attribute(name, annotation, "" if member.required else "MISSING")

    def _imports(self, module: str, models: Sequence[Model]) -> tuple[tuple[Import, ...], ...]:
        code = " ".join(attribute.annotation for model in models for attribute in model.attributes)
        shared = [name for name in self.used(code) if self._module[name] != module]
        local = [Import("..runtime.bases", tuple(sorted({model.base for model in models}, key=names.import_order)))]
        local += [Import(f".{COMMON}", tuple(shared))] if shared else []
        return standard_imports(code, local)


def standard_imports(
    code: str, local: Sequence[Import], third_party: Sequence[Import] = ()
) -> tuple[tuple[Import, ...], ...]:
    """The imports that annotations need, in sections as isort puts them: standard library, packages, this package."""
    words = names.words(code)
    typing = tuple(name for name in ("Annotated", "Any", "Literal") if name in words)
    pydantic = tuple(name for name in ("MISSING", "Field") if name in words)
    standard = [Import("datetime", (), alias="dt")] if "dt" in words else []
    standard += [Import("typing", typing)] if typing else []
    packages = [*third_party, *([Import("pydantic", pydantic)] if pydantic else [])]
    return tuple(tuple(section) for section in (standard, packages, local) if section)


def _constraints(schema: Schema, direction: Direction) -> dict[str, object]:
    """Keywords of Field; an answer is not held to its type's constraints."""
    return {_CONSTRAINTS[key]: value for key, value in schema.constraints.items()} if direction == "input" else {}


def _is_class(schema: Schema) -> bool:
    return schema.kind == "object" and schema.values is None


def source_of(*parts: str) -> str:
    """What a class is called after; other parts never give the same source."""
    return _SEPARATOR.join(part.replace("\\", "\\\\").replace(_SEPARATOR, "\\s") for part in parts)


def _plain_part(part: str) -> str:
    return re.sub(r"\\(.)", lambda match: _SEPARATOR if match[1] == "s" else match[1], part)


def _named(schema_name: str, direction: Direction) -> str:
    """No API's source begins with two empty parts, or with a part that is not."""
    return source_of(schema_name) if direction == "output" else source_of("", "", schema_name, "input")


def _inner(source: str, member: str) -> str:
    return f"{source}{_SEPARATOR}{source_of(member)}"
