"""A policy of pages → the expression that generated code has for it."""

from __future__ import annotations

from typing import Final

from mcp_codegen.catalog import CursorPages, NumberedPages, OffsetPages
from mcp_codegen.checked import Operation
from mcp_codegen.listing import input_keys
from mcp_codegen.literals import call, literal
from mcp_codegen.paging import Paging, Schemas, settled

TOTAL: Final = "X-Total-Count"
"""Where the runtime looks when nothing else is said."""
_TYPES: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
"""The types of inputs that can be read back from a URL."""


def expression(one: Operation, paging: Paging, schemas: Schemas) -> str:
    """One of the runtime's policies, with what it takes of this API."""
    keys, policy = input_keys(one), paging.policy
    position = keys[paging.position.label] if paging.position else ""
    size = keys[paging.size.label] if paging.size else None
    shared = {"items": list(paging.items) or None, "total": policy.total if policy.total != TOTAL else None}
    if isinstance(policy, OffsetPages):
        return call("ByOffset", offset=position, limit=size, **shared)
    if isinstance(policy, NumberedPages):
        first = policy.first if policy.first != 1 else None
        return call("ByNumber", number=position, size=size, first=first, **shared)
    if isinstance(policy, CursorPages):
        written = call("ByCursor", cursor=position, next=policy.next, size=size, **shared)
        is_number = paging.position is not None and settled(paging.position.schema, schemas).kind == "integer"
        return f"{written[:-1]}, kind=int)" if is_number else written
    next_ = policy.next if policy.next != "Link" else None
    plain = [(each, _TYPES.get(settled(each.schema, schemas).kind)) for each in one.parameters if each.place == "query"]
    inputs = ", ".join(f"{literal(each.name)}: ({literal(keys[each.label])}, {kind})" for each, kind in plain if kind)
    written = call("ByLink", next=next_, size=size, **shared)
    return f"{written[:-1]}{', ' if written[-2] != '(' else ''}inputs={{{inputs}}})"
