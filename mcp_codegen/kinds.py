"""The kinds of values: what types are called in a catalog, and which kind a value has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mcp_codegen.schema import Kind

TYPES: Final[Mapping[str, tuple[Kind, str]]] = {
    "string": ("string", ""),
    "int": ("integer", ""),
    "integer": ("integer", ""),
    "number": ("number", ""),
    "float": ("number", ""),
    "decimal": ("decimal", ""),
    "bool": ("boolean", ""),
    "boolean": ("boolean", ""),
    "date": ("string", "date"),
    "datetime": ("string", "date-time"),
    "object": ("object", ""),
    "array": ("array", ""),
    "any": ("any", ""),
    "file": ("file", ""),
}
"""The names of types, each with its kind and the format that it implies."""


def kind_of_values(values: Sequence[Any]) -> Kind:
    """The kind that all values have; `any` when they have several."""
    kinds = {_kind_of_value(value) for value in values if value is not None}
    return kinds.pop() if len(kinds) == 1 else "any"


def fits(value: object, kind: Kind) -> bool:
    """Whether a value is of a kind, so that it may stand in an enum of it."""
    known = _kind_of_value(value)
    return (
        kind in (known, "any")
        or (known == "integer" and kind in ("number", "decimal"))
        or (known, kind) == ("number", "decimal")
    )


def _kind_of_value(value: object) -> Kind:
    kinds: dict[type, Kind] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")
