"""Which identifiers the stand-in knows: those that it gave out, and those of the catalog's own examples.

It keeps no list of what it gave out: an identifier's last digits are a check that is computed from the others, so every
process recognises it. Which names are identifiers, the catalog says: text with a pattern or of format uuid that one API
answers with and another asks for, where the latter says that it may answer 404 and shows by an example one that exists.
All else may be asked for freely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from mcp_codegen.checked import CheckedCatalog, Operation, Parameter
from mcp_codegen.schema import Schema
from mcp_codegen.standin import strings
from mcp_codegen.standin.draw import Draw

NOT_FOUND: Final = 404
CHECK: Final = 4
"""Digits; one in ten thousand made-up identifiers passes for a known one."""
SHORTEST: Final = CHECK + 2
TRIES: Final = 8

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Names of identifiers, each with the APIs that give them out and the values that the catalog shows."""

    issuers: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, frozenset[str]]

    def is_one(self, name: str) -> bool:
        """Whether values of that name are identifiers."""
        return name in self.issuers

    def are_checked(self, name: str, api: str) -> bool:
        """Whether an API that takes them takes only known ones: another than itself must give them out."""
        return any(issuer != api for issuer in self.issuers.get(name, ()))

    def is_known(self, name: str, value: str) -> bool:
        """Whether the stand-in gave out the value, in any process, or the catalog shows it."""
        return value in self.shown[name] or stamped(name, value) == (value.lower() if _is_uuid(value) else value)


def issue(name: str, schema: Schema, draw: Draw) -> str:
    """A new identifier of a type, with its check."""
    text = ""
    for _ in range(TRIES):
        text = strings.text(schema, name, draw)
        if (marked := stamped(name, text)) and strings.fits(marked, schema):
            return marked
    return text


def stamped(name: str, text: str) -> str:
    """The text with its last digits replaced by a check on the others; empty where it has too few digits."""
    text = text.lower() if _is_uuid(text) else text
    digits = "0123456789abcdef" if _is_uuid(text) else "0123456789"
    places = [place for place, character in enumerate(text) if character in digits]
    if len(places) < SHORTEST:
        return ""
    characters = list(text)
    for place in places[-CHECK:]:
        characters[place] = "?"
    check = blake2b(f"{name}\0{''.join(characters)}".encode("utf-8", "surrogatepass"), digest_size=CHECK).digest()
    for place, number in zip(places[-CHECK:], check, strict=True):
        characters[place] = digits[number % len(digits)]
    return "".join(characters)


def asks_for(one: Operation, parameter: Parameter) -> bool:
    """Whether an API looks for what an input names, and knows of some: what it writes down itself may be new."""
    looks = parameter.required and (parameter.place != "body" or one.read_only)
    shows = any(parameter.label in example.inputs for example in one.api.examples)
    return looks and shows and any(error.status == NOT_FOUND for error in one.api.errors)


def find(catalog: CheckedCatalog) -> Identifiers:
    """The identifiers of a catalog's active APIs."""
    asked = {
        parameter.name
        for one in catalog.active
        for parameter in one.parameters
        if asks_for(one, parameter) and _is_text(parameter.schema, catalog.schemas)
    }
    asked &= _marked_names(catalog)
    issued: dict[str, dict[str, None]] = {}
    free: set[str] = set()  # what may be anything in one place may be anything everywhere
    for one in catalog.active if asked else ():
        for name, schema in _answered(one, catalog.schemas):
            if name in asked and _takes_check(name, schema, catalog.schemas):
                issued.setdefault(name, {})[one.api.name] = None
            elif name in asked:
                free.add(name)
    issuers = {name: tuple(apis) for name, apis in sorted(issued.items()) if name not in free}
    return Identifiers(issuers, {name: frozenset(_examples(name, catalog)) for name in issuers})


def _marked_names(catalog: CheckedCatalog) -> set[str]:
    """The names of members, anywhere in the catalog, that may be identifiers: few catalogs have any."""
    waiting = [*catalog.schemas.values(), *(one.answer for one in catalog.active if one.answer)]
    names: set[str] = set()
    while waiting:
        schema = waiting.pop()
        names |= {one.name for one in schema.members if _is_marked(_resolved(one.schema, catalog.schemas))}
        waiting += [inner for inner in (schema.items, schema.values, *schema.variants) if inner]
        waiting += [one.schema for one in schema.members]
    return names


def _answered(one: Operation, schemas: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Each member of an API's answer, at any depth, save those that only give an input back."""
    own = {parameter.name for parameter in one.parameters}
    waiting = [(one.answer, False)] if one.answer else []
    seen: set[tuple[str, bool]] = set()
    while waiting:
        schema, in_list = waiting.pop()
        if schema.kind == "ref" and (schema.ref, in_list) not in seen:
            seen.add((schema.ref, in_list))
            waiting.append((schemas[schema.ref], in_list))
        for member in schema.members:
            waiting.append((member.schema, in_list))
            if in_list or member.name not in own:
                yield member.name, _resolved(member.schema, schemas)
        waiting += [(inner, True) for inner in (schema.items, schema.values) if inner]
        waiting += [(inner, in_list) for inner in schema.variants]


def _resolved(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    while schema.kind == "ref":
        schema = schemas[schema.ref]
    return schema


def _is_text(schema: Schema, schemas: Mapping[str, Schema]) -> bool:
    resolved = _resolved(schema, schemas)
    return resolved.kind == "string" and not resolved.enum


def _is_marked(schema: Schema) -> bool:
    return schema.format == "uuid" or "pattern" in schema.constraints


def _takes_check(name: str, schema: Schema, schemas: Mapping[str, Schema]) -> bool:
    """Whether its type is that of an identifier, and leaves the last digits free."""
    if not _is_text(schema, schemas) or not _is_marked(schema):
        return False
    made = (issue(name, schema, Draw(bytes([number]))) for number in range(TRIES))
    return all(stamped(name, text) == text for text in made)


def _is_uuid(text: str) -> bool:
    return len(text) == len("00000000-0000-0000-0000-000000000000") and bool(_UUID.fullmatch(text.lower()))


def _examples(name: str, catalog: CheckedCatalog) -> Iterator[str]:
    for one in catalog.operations:
        for example in one.api.examples:
            yield from _named(name, example.inputs)
            yield from _named(name, example.output)
        for parameter in one.parameters:
            if parameter.name == name:
                yield from (value for value in parameter.schema.example if isinstance(value, str))


def _named(name: str, data: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """The text that stands under a name, at any depth."""
    if isinstance(data, dict):
        if isinstance(data.get(name), str):
            yield data[name]
        data = list(data.values())
    if isinstance(data, list):
        for one in data:
            yield from _named(name, one)
