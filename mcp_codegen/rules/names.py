"""What a catalog names: its APIs and its schemas."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.errors import Problem, shown
from mcp_codegen.schema import Schema


def check(catalog: CheckedCatalog) -> Iterator[Problem]:
    """There are APIs, each has a name of its own, and each schema comes to an end."""
    yield from _apis_exist(catalog)
    yield from _names_are_single(catalog)
    yield from _schemas_end(catalog)


def _apis_exist(catalog: CheckedCatalog) -> Iterator[Problem]:
    if not any(api.active for api in catalog.catalog.apis):
        yield Problem(("apis",), "no API is active", 'add one, or set "active": true')


def _names_are_single(catalog: CheckedCatalog) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, one in enumerate(catalog.operations):
        name = one.api.name
        if not name.isprintable() or name != name.strip():
            hint = "use printable characters, and no blanks around them"
            yield Problem((*one.pointer, "name"), f"{shown(name)} cannot be a name", hint)
        if first.setdefault(name, index) != index:
            yield Problem((*one.pointer, "name"), f"an API above is called {shown(name)} too", "rename one of them")


def _schemas_end(catalog: CheckedCatalog) -> Iterator[Problem]:
    for name, schema in catalog.schemas.items():
        seen, target = {name}, _stands_for(schema)
        while target and target not in seen:
            seen.add(target)
            target = _stands_for(catalog.schemas[target])
        if target:
            yield Problem(("schemas", name), "this is nothing but itself", "describe a value")


def _stands_for(schema: Schema) -> str:
    """The schema that this one needs before it can be written down; objects need none."""
    if schema.kind == "ref":
        return schema.ref
    inner = schema.items or schema.values
    return _stands_for(inner) if inner else ""
