"""Named types: what they lead to, and which of them are the same in two catalogs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mcp_codegen.schema import Schema


def unchanged(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> frozenset[str]:
    """The named types that are the same on both sides, with everything inside of them."""
    same = {name for name in old if name in new and old[name] == new[name]}
    users: dict[str, list[str]] = {}
    for name in same:
        for inner in set(references(old[name])):
            users.setdefault(inner, []).append(name)
    waiting = [name for name in users if name not in same]
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if user in same:
                same.remove(user)
                waiting.append(user)
    return frozenset(same)


def references(schema: Schema) -> Iterator[str]:
    """The named types that a type is made of."""
    if schema.kind == "ref":
        yield schema.ref
    for inner in (schema.items, schema.values, *schema.variants, *(member.schema for member in schema.members)):
        if inner:
            yield from references(inner)


def last(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    """The last of references that lead to each other."""
    met: set[str] = set()
    while schema.kind == "ref" and known[schema.ref].kind == "ref" and schema.ref not in met:
        met.add(schema.ref)
        found = known[schema.ref]
        schema = replace(found, nullable=found.nullable or schema.nullable)
    return schema


def target(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    """What a reference stands for; one that only leads back to itself is of any kind."""
    if schema.kind != "ref":
        return schema
    found = known[schema.ref]
    return found if found.kind != "ref" else Schema((), "any")


def is_nullable(schema: Schema, known: Mapping[str, Schema]) -> bool:
    """Whether null may stand there, by the type itself or by the one that it refers to."""
    return schema.nullable or (schema.kind == "ref" and known[schema.ref].nullable)
