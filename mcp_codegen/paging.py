"""Which APIs answer in pages, and what that takes: the inputs that choose a page, and the list that comes in pages.

A gateway's policy holds for those of its APIs that have what it takes, and leaves the others alone. An API's own has
to fit; what keeps it from fitting is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from mcp_codegen.catalog import CursorPages, LinkedPages, NoPages, NumberedPages, OffsetPages
from mcp_codegen.checked import CheckedCatalog, Operation, Parameter, is_json
from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.schema import Schema
from mcp_codegen.validation import nearest

Policy = OffsetPages | NumberedPages | CursorPages | LinkedPages
Schemas = Mapping[str, Schema]
Members = tuple[str, ...]
"""The way from an answer's root to a value in it."""

_PLACES: Final = ("query", "header", "body")


@dataclass(frozen=True, slots=True)
class Paging:
    """How one API's list comes in pages."""

    policy: Policy
    items: Members
    """Where the list stands in the answer."""
    item: Schema | None
    """None where the catalog does not say what is listed."""
    position: Parameter | None
    """The input that chooses the page; None where links do."""
    size: Parameter | None
    """The input that says how many items a page has at most, if there is one."""


def paging_of(one: Operation, catalog: CheckedCatalog) -> Paging | None:
    """How an API's answers come in pages; None where they are whole."""
    own = one.api.pagination
    if isinstance(own, NoPages):
        return None
    if own is not None:
        found = _read(one, own, catalog)
        return found if isinstance(found, Paging) else None
    gateway = catalog.gateways.get(one.gateway)
    shared = gateway.pagination if gateway else None
    if shared is None or isinstance(shared, NoPages):
        return None
    found = _read(one, shared, catalog)
    fits = isinstance(found, Paging) and found.item is not None and (found.position or found.size) is not None
    return found if fits and isinstance(found, Paging) else None


def check(catalog: CheckedCatalog) -> Iterator[Problem]:
    """What keeps the APIs' own policies from being kept."""
    for one in catalog.operations:
        if one.api.active and one.api.pagination is not None and not isinstance(one.api.pagination, NoPages):
            found = _read(one, one.api.pagination, catalog)
            yield from () if isinstance(found, Paging) else found


def notices(catalog: CheckedCatalog) -> Iterator[Problem]:
    """Gateways whose policy holds for none of their APIs."""
    for name, gateway in catalog.gateways.items():
        asked = gateway.pagination is not None and not isinstance(gateway.pagination, NoPages)
        if asked and not any(paging_of(one, catalog) for one in catalog.active if one.gateway == name):
            said = "no API of this gateway has the inputs that this names and answers a list"
            yield Problem(("gateways", name, "pagination"), said, "check the inputs' names, or remove it", at_key=True)


def members_of(pointer: str) -> Members:
    """The parts of a JSON pointer (RFC 6901)."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _read(one: Operation, policy: Policy, catalog: CheckedCatalog) -> Paging | list[Problem]:
    where: Pointer = (*one.pointer, "pagination")
    problems: list[Problem] = []
    inputs = {each.label: each for each in one.parameters if not each.is_whole}
    position = size = None
    for key, name, needed in _named(policy):
        if name not in inputs:
            if needed:
                problems.append(_missing(policy, (*where, key), name, inputs))
            continue
        texts = key == "cursor"
        if problem := _unusable(inputs[name], (*where, key), catalog.schemas, texts=texts):
            problems.append(problem)
        elif key in ("limit", "perPage"):
            size = inputs[name]
        else:
            position = inputs[name]
    if not is_json(media_type := one.api.answer_type.partition(";")[0].strip().lower()):
        said = f"an answer of type {shown(media_type)} has no pages"
        return [*problems, Problem(where, said, "remove the key, or mend 'answerType'", at_key=True)]
    found = _list_in(one.answer, policy.items, catalog.schemas)
    if isinstance(found, str):
        at = (*where, "items") if policy.items is not None else where
        hint = _choices(one.answer, catalog.schemas, written=policy.items is not None)
        problems.append(Problem(at, found, hint, at_key=policy.items is None))
    if problems or isinstance(found, str):
        return problems
    return Paging(policy, *found, position, size)


def _named(policy: Policy) -> Iterator[tuple[str, str, bool]]:
    """The keys that name inputs, the names, and whether the API has to have them: a page's size need not be asked."""
    written = policy.model_fields_set
    match policy:
        case OffsetPages():
            yield "offset", policy.offset, True
            yield "limit", policy.limit, "limit" in written
        case NumberedPages():
            yield "page", policy.page, True
            yield "perPage", policy.per_page, "per_page" in written
        case CursorPages():
            yield "cursor", policy.cursor, True
            yield "limit", policy.limit, "limit" in written
        case LinkedPages():
            yield "limit", policy.limit, "limit" in written


def _missing(policy: Policy, where: Pointer, name: str, inputs: Mapping[str, Parameter]) -> Problem:
    key = str(where[-1])
    if policy.model_fields_set & {key, "per_page" if key == "perPage" else key}:
        return Problem(where, f"there is no input {shown(name)}", nearest(name, inputs))
    hint = f"name the input that chooses the page with the key {shown(key)}"
    return Problem(where[:-1], f"there is no input {shown(name)}", hint, at_key=True)


def _unusable(parameter: Parameter, where: Pointer, schemas: Schemas, *, texts: bool) -> Problem | None:
    kind = settled(parameter.schema, schemas).kind
    if parameter.place not in _PLACES:
        hint = f"name one in the {', '.join(_PLACES[:-1])} or {_PLACES[-1]}"
        return Problem(where, f"the input {shown(parameter.name)} stands in the {parameter.place}", hint)
    if kind not in (("integer", "string", "any") if texts else ("integer", "number")):
        wanted = "text or a whole number" if texts else "a number"
        said = f"the input {shown(parameter.name)} is of type {shown(kind)}, and pages need {wanted}"
        return Problem(where, said, "name another input, or mend its type")
    return None


# --- the list in an answer -----------------------------------------------------------------------------


def _list_in(answer: Schema | None, pointer: str | None, schemas: Schemas) -> tuple[Members, Schema | None] | str:
    """Where the list stands and what is in it, or what is wrong with that."""
    if pointer is not None:
        return _list_at(answer, pointer, schemas)
    root = settled(answer, schemas) if answer else None
    if root is None or root.kind in ("array", "any"):
        return (), root.items if root else None
    lists = _lists(root, schemas)
    if len(lists) == 1:
        return next(iter(lists.items()))
    return "the answer is no list, and holds " + (f"{len(lists)} of them" if lists else "none")


def _list_at(answer: Schema | None, pointer: str, schemas: Schemas) -> tuple[Members, Schema | None] | str:
    members = members_of(pointer)
    found = at(answer, members, schemas)
    if found is None and answer is not None:
        return f"nothing in the answer's type stands at {shown(pointer)}"
    if found is None or found.kind in ("array", "any"):
        return members, found.items if found else None
    return f"what stands at {shown(pointer)} is of type {shown(found.kind)}, and no list"


def _choices(answer: Schema | None, schemas: Schemas, *, written: bool) -> str:
    lists = _lists(settled(answer, schemas), schemas) if answer else {}
    pointers = [shown("/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in one)) for one in lists]
    if not pointers:
        return "an answer without a list has no pages: remove the key, or mend the answer's type"
    found = " or ".join(pointers[:3])
    return f"write {found}" if written else f"add the key 'items', such as {found}"


def _lists(root: Schema, schemas: Schemas) -> dict[Members, Schema | None]:
    """The lists that an object holds as its own members."""
    found = {member.name: settled(member.schema, schemas) for member in root.going("output")}
    return {(name,): schema.items for name, schema in found.items() if schema.kind == "array"}


def at(answer: Schema | None, members: Members, schemas: Schemas) -> Schema | None:
    """The type at a place in an answer, references settled; None where there is nothing."""
    schema = answer
    for name in members:
        if schema is None:
            return None
        schema = settled(schema, schemas)
        if schema.kind in ("any", "union"):
            return replace(schema, kind="any")
        member = next((one.schema for one in schema.going("output") if one.name == name), None)
        schema = member or schema.values
    return settled(schema, schemas) if schema else None


def settled(schema: Schema, schemas: Schemas) -> Schema:
    """What a reference stands for; one that comes back to itself is told by another rule."""
    seen: set[str] = set()
    while schema.kind == "ref" and schema.ref not in seen:
        seen.add(schema.ref)
        schema = schemas[schema.ref]
    return schema
