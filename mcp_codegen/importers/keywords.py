"""Single keywords of a schema, read as they were meant; what was mended or ignored is noted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp_codegen.constraints import CONSTRAINTS, can_be_checked
from mcp_codegen.errors import shown
from mcp_codegen.importers.report import Note, Spot

Json = Mapping[str, Any]
Tell = Callable[[Note], None]

TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "string": ("string", ""), "str": ("string", ""), "text": ("string", ""), "uuid": ("string", "uuid"),
    "date": ("string", "date"), "datetime": ("string", "date-time"), "date-time": ("string", "date-time"),
    "file": ("string", "binary"), "binary": ("string", "binary"), "byte": ("string", "byte"), "uri": ("string", "uri"),
    "integer": ("integer", ""), "int": ("integer", ""), "int32": ("integer", "int32"), "int64": ("integer", "int64"),
    "long": ("integer", "int64"), "number": ("number", ""), "float": ("number", "float"),
    "double": ("number", "double"), "decimal": ("number", ""), "boolean": ("boolean", ""), "bool": ("boolean", ""),
    "object": ("object", ""), "array": ("array", ""), "list": ("array", ""), "null": ("null", ""),
}  # fmt: skip
"""The types of JSON Schema, and what people write when they mean one; each with the format that it implies."""
FLAGS: Final = frozenset({"readOnly", "writeOnly", "deprecated", "uniqueItems"})
TEXTS: Final = frozenset({"title", "description", "format"})
_ANY: Final = frozenset({"any", "mixed"})
_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})


def kind(node: Json, spot: Spot, tell: Tell) -> dict[str, Any]:
    """`type`, and the format that a type implies; nothing where any value may stand."""
    said = node.get("type")
    if said is None:
        return {}
    found: dict[str, None] = {}
    implied = ""
    for one in said if isinstance(said, list) else [said]:
        folded = str(one).strip().casefold()
        if folded in _ANY:
            return {}
        if folded not in TYPES:
            tell(Note(spot.of("type"), f"unknown type {shown(str(one))}; any value fits"))
            return {}
        name, implied = TYPES[folded]
        found[name] = None
        if name != one and folded != "file":
            tell(Note(spot.of("type"), f"type {shown(str(one))} is taken as {name}"))
    kinds = list(found)
    written: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    return written | ({"format": implied} if implied and "format" not in node else {})


def text(key: str, value: object, where: Spot, tell: Tell) -> dict[str, Any]:
    """A title, a description, a format."""
    if isinstance(value, str):
        return {key: value} if value else {}
    if value is None:
        return {}
    tell(Note(where, f"{key} is not a text"))
    return {} if isinstance(value, Mapping | list) else {key: str(value)}


def flag(key: str, value: object, where: Spot, tell: Tell) -> dict[str, Any]:
    """A keyword that is true or false; false says nothing."""
    if isinstance(value, bool):
        return {key: True} if value else {}
    tell(Note(where, f"{key} is not true or false"))
    return {key: True} if str(value).casefold() == "true" else {}


def constraint(key: str, node: Json, spot: Spot, tell: Tell) -> dict[str, Any]:
    """A keyword that narrows a value down, also with 3.0's exclusive bounds, which are true or false."""
    value, where = node[key], spot.of(key)
    if key == "pattern":
        if can_be_checked(value):
            return {key: value}
        tell(Note(where, f"the pattern {shown(str(value))} cannot be checked here and is left to the upstream"))
        return {}
    if isinstance(value, bool) and key in ("exclusiveMinimum", "exclusiveMaximum"):
        bound = number(node.get("minimum" if key == "exclusiveMinimum" else "maximum"))
        return {key: bound} if value and bound is not None else {}
    if key in ("minimum", "maximum") and node.get(f"exclusive{key.capitalize()}") is True:
        return {}
    found = number(value)
    if found is None or (key not in _BOUNDS and (found < 0 or found != int(found))):
        tell(Note(where, f"{key} {shown(str(value))} is not a number that fits, and is ignored"))
        return {}
    if isinstance(value, str):
        tell(Note(where, f"{key} {shown(value)} is taken as a number"))
    return {key: found if key in _BOUNDS else int(found)}


def required(value: object, where: Spot, tell: Tell) -> dict[str, Any]:
    """The names of the members that are always there; true or false beside a member's type means nothing."""
    if not isinstance(value, list):
        if value is not None:
            tell(Note(where, "required is not a list of names, and is ignored"))
        return {}
    names = list(dict.fromkeys(name for name in value if isinstance(name, str)))
    return {"required": names} if names else {}


def enum(value: object, where: Spot, tell: Tell) -> dict[str, Any]:
    """The values, each once."""
    given = value if isinstance(value, list) else []
    values = list({repr(one): one for one in given}.values())
    if not values:
        tell(Note(where, "an enum without values is ignored"))
        return {}
    if len(values) < len(given):
        tell(Note(where, "a value stands in the enum twice"))
    return {"enum": values}


def number(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A number, also one in quotes; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        return None
    return float(value) if "." in value else int(value)


def is_constraint(key: str) -> bool:
    """Whether a keyword narrows a value down."""
    return key in CONSTRAINTS
