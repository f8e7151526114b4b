"""From types of the catalog to Python: classes for objects, annotations for everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mcp_codegen import names
from mcp_codegen.class_sources import inner, named, outer, parts_of, variant
from mcp_codegen.import_sections import standard_imports
from mcp_codegen.literals import Code, call
from mcp_codegen.package import Attribute, Import, Model, ModelModule
from mcp_codegen.scalars import constraints, enumerated, is_literal, scalar
from mcp_codegen.schema import Direction, Member, Schema

_BASES: Final = frozenset({"Base64", "Date", "DateTime", "DecimalNumber", "MultipleOf", "OneOf"})
"""The types of the runtime that annotations name."""
COMMON: Final = "common"


@dataclass(frozen=True, slots=True)
class Root:
    """A type that a tool takes or gives, and what a class made from it is called after."""

    group: str
    source: str
    schema: Schema
    direction: Direction


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an annotation is written: what its classes are called after, and the references that it is within."""

    direction: Direction
    source: str
    checked: bool = True
    within: frozenset[str] = frozenset()


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
        users: dict[str, set[str]] = {}
        for root in roots:
            for one in self._classes(root, users):
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
        return self._value(schema, _Place(direction, source, checked))

    def item(self, answer: Schema | None, source: str, members: Sequence[str]) -> str:
        """The type of what a list in an answer holds; `Any` where the catalog does not say it."""
        schema, place = answer or Schema((), "any"), _Place("output", source)
        for name in members:
            schema, place = self._settled(schema, place)
            if schema.kind == "ref":
                place = replace(place, source=named(schema.ref, "output"))
                schema = self._schemas[schema.ref]
            member = next((one.schema for one in schema.going("output") if one.name == name), None)
            schema, place = member or Schema((), "any"), replace(place, source=inner(place.source, name))
        schema, place = self._settled(schema, place)
        return self._value(schema.items, place) if schema.items else "Any"

    def signature(self, schema: Schema, source: str, *, optional: bool) -> str:
        """The type of an argument as a caller sees it."""
        return self.described(schema, "input", source, optional=optional, checked=False)

    def described(
        self,
        schema: Schema,
        direction: Direction,
        source: str,
        *,
        optional: bool,
        checked: bool = True,
        **about: object,
    ) -> str:
        """The type of an argument or a member, with what is said about it. about: keywords of Field.

        What is optional may be absent; in an answer it may be null as well, as it is in real ones.
        """
        plain, place = self._settled(schema, _Place(direction, source, checked))
        null = plain.kind != "any" and (plain.nullable or (optional and direction == "output"))
        if optional or null or not checked or (plain.enum and not is_literal(plain)):
            written = self._there(plain, place)
            written += " | MISSING" if optional else ""
            written += " | None" if null and written != "Any" else ""
        else:
            written = self._plain(plain, place)
            about |= constraints(plain, direction)
        field = call("Field", **about)
        return written if field == "Field()" else f"Annotated[{written}, {field}]"

    def modules(self, titles: Mapping[str, str]) -> tuple[ModelModule, ...]:
        """The modules of `models/`, in the order of their names."""
        held: dict[str, list[Model]] = {}
        for one in self._reached:
            model = self._model(one)
            held.setdefault(self._module[model.name], []).append(model)
        ordered = sorted(held, key=names.import_order)
        return tuple(
            ModelModule(module, titles.get(module, ""), tuple(held[module]), self._imports(module, held[module]))
            for module in ordered
        )

    def used(self, annotation: str) -> tuple[str, ...]:
        """The classes that an annotation names, sorted."""
        words = names.words(annotation)
        return tuple(sorted((word for word in words if word in self._module), key=names.import_order))

    def described_by(self, schema: Schema) -> str:
        """What is said about a value: in its place, else where its type is defined."""
        return schema.description or self._settled(schema, _Place("output", ""))[0].description

    def _settled(self, schema: Schema, place: _Place) -> tuple[Schema, _Place]:
        """What a reference to anything but an object stands for; one that comes back to itself is of any kind."""
        while schema.kind == "ref" and not _is_class(target := self._schemas[schema.ref]):
            if schema.ref in place.within:
                return Schema(schema.pointer, "any"), place
            source = named(schema.ref, place.direction)
            place = replace(place, source=source, within=place.within | {schema.ref})
            schema = replace(
                target,
                nullable=target.nullable or schema.nullable,
                description=schema.description or target.description,
                secret=schema.secret or target.secret,
                only=schema.only or target.only,
            )
        if schema.kind == "ref":
            target = self._schemas[schema.ref]
            nullable, about = target.nullable or schema.nullable, schema.description or target.description
            if (nullable, about) != (schema.nullable, schema.description):
                schema = replace(schema, nullable=nullable, description=about)
        return schema, place

    def _value(self, schema: Schema, place: _Place) -> str:
        schema, place = self._settled(schema, place)
        written = self._there(schema, place)
        return f"{written} | None" if schema.nullable and written != "Any" else written

    def _there(self, schema: Schema, place: _Place) -> str:
        """The type of a value that is not null, of a type that is settled."""
        written = self._plain(schema, place)
        if place.checked and (limits := constraints(schema, place.direction)):
            return f"Annotated[{written}, {call('Field', **limits)}]"
        return written

    def _plain(self, schema: Schema, place: _Place) -> str:
        if schema.kind == "ref":
            return self._names[named(schema.ref, place.direction)]
        if _is_class(schema):
            return self._names[place.source]
        if schema.kind == "array" and schema.items:
            return f"list[{self._value(schema.items, place)}]"
        if schema.kind == "object" and schema.values:
            return f"dict[str, {self._value(schema.values, place)}]"
        if schema.kind == "union":
            found = [
                self._value(one, replace(place, source=variant(place.source, schema, index)))
                for index, one in enumerate(schema.variants)
            ]
            return "Any" if "Any" in found else " | ".join(dict.fromkeys(found))
        return (enumerated if schema.enum else scalar)(schema, place.direction, checked=place.checked)

    def _classes(self, root: Root, users: dict[str, set[str]]) -> Iterator[_Class]:
        """Every class that a type needs, inner ones first, except for what is behind named types that are known.

        users: the groups from which each named type was reached. Two say that it is common, with all that it needs: so
        each is looked into twice, however many types lead there. The way may be longer than functions may call.
        """
        waiting = [self._parts(root.schema, root.direction, root.source)]
        while waiting:
            part = next(waiting[-1], None)
            if part is None:
                waiting.pop()
            elif isinstance(part, _Class):
                yield part
            else:
                name, source = part
                known = users.setdefault(source, set())
                if root.group not in known and len(known) <= 1:
                    known.add(root.group)
                    waiting.append(self._parts(self._schemas[name], root.direction, source))

    def _parts(self, schema: Schema, direction: Direction, source: str) -> Iterator[_Class | tuple[str, str]]:
        """The classes of a type itself, inner ones first, and in their places the named types that it needs."""
        if schema.kind == "ref":
            yield schema.ref, named(schema.ref, direction)
            return
        for part in (schema.items, schema.values):
            if part:
                yield from self._parts(part, direction, source)
        for index, one in enumerate(schema.variants):
            yield from self._parts(one, direction, variant(source, schema, index))
        for member in schema.going(direction):
            yield from self._parts(member.schema, direction, inner(source, member.name))
        if _is_class(schema):
            yield _Class(source, schema, direction)

    def _model(self, one: _Class) -> Model:
        members = one.schema.going(one.direction)
        spelled = names.resolve([member.name for member in members], names.field_name, names.RESERVED_ATTRIBUTES)
        base = "Model" if one.direction == "output" else "OpenInputModel" if one.schema.open else "InputModel"
        shown = names.input_keys([member.name for member in members])
        attributes = tuple(self._attribute(m, spelled[m.name], shown[m.name], one) for m in members)
        return Model(self._names[one.source], base, one.schema.description or self._about(one.source), attributes)

    def _about(self, source: str) -> str:
        """What a class is, where the catalog does not say it."""
        match parts_of(source):
            case ["", "", name, "input"]:
                return f"{name}, as callers pass it."
            case ["", api, "", "result"]:
                return f"What {api} answers."
            case [*_, of, number] if number.isdigit():
                return f"Form {number} of {of}."
            case ["", api, name]:
                return f"{name} of {api}."
            case parts:
                part_of = f", a part of {self._names[whole]}" if (whole := outer(source)) in self._names else ""
                return f"{parts[-1]}{part_of}."

    def _attribute(self, member: Member, name: str, shown: str, one: _Class) -> Attribute:
        """shown: its key in the listing's schema of arguments; it is taken under its own name as well."""
        renamed = one.direction == "input" and shown != member.name
        annotation = self.described(
            member.schema,
            one.direction,
            inner(one.source, member.name),
            optional=not member.required,
            alias=member.name if member.name != name or renamed else None,
            validation_alias=Code(call("AliasChoices", member.name, shown)) if renamed else None,
            description=self.described_by(member.schema) or None,
            repr=False if member.schema.secret else None,
        )
        return Attribute(name, annotation, "" if member.required else "MISSING")

    def imports(self, code: str, package: str) -> list[Import]:
        """The classes that annotations name."""
        by_module: dict[str, list[str]] = {}
        for name in self.used(code):
            by_module.setdefault(self.module_of(name), []).append(name)
        ordered = sorted(by_module, key=names.import_order)
        return [Import(f"{package}.{module}", tuple(by_module[module])) for module in ordered]

    def base_imports(self, code: str, package: str) -> list[Import]:
        """The types of the runtime that annotations name."""
        used = tuple(sorted(names.words(code) & _BASES))
        return [Import(f"{package}.bases", used)] if used else []

    def _imports(self, module: str, models: Sequence[Model]) -> tuple[tuple[Import, ...], ...]:
        code = " ".join(attribute.annotation for model in models for attribute in model.attributes)
        shared = [name for name in self.used(code) if self._module[name] != module]
        bases = {model.base for model in models} | (names.words(code) & _BASES)
        local = [Import("..runtime.bases", tuple(sorted(bases, key=names.import_order)))]
        local += [Import(f".{COMMON}", tuple(shared))] if shared else []
        return standard_imports(code, local)


def _is_class(schema: Schema) -> bool:
    return schema.kind == "object" and schema.values is None
