"""The annotations of values that are neither objects nor lists: scalars, enums, and the constraints of either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mcp_codegen.literals import call, literal
from mcp_codegen.patterns import for_engine
from mcp_codegen.schema import Direction, Schema

_SCALARS: Final[Mapping[str, str]] = {
    "integer": "int", "number": "float", "decimal": "DecimalNumber", "boolean": "bool", "file": "Base64",
}  # fmt: skip
FORMATS: Final[Mapping[str, str]] = {"date": "dt.date", "date-time": "dt.datetime"}
"""In the signatures of callers."""
_WRITTEN_FORMATS: Final[Mapping[str, str]] = {"date": "Date", "date-time": "DateTime"}
"""Where values pass through: they go on as they were written."""
_CONSTRAINTS: Final[Mapping[str, str]] = {
    "pattern": "pattern", "minLength": "min_length", "maxLength": "max_length", "minimum": "ge", "maximum": "le",
    "exclusiveMinimum": "gt", "exclusiveMaximum": "lt", "multipleOf": "multiple_of", "minItems": "min_length",
    "maxItems": "max_length",
}  # fmt: skip
_STEPS: Final = ("decimal", "multipleOf")
"""What no keyword of Field can say."""


def constraints(schema: Schema, direction: Direction) -> dict[str, object]:
    """Keywords of Field; an answer is not held to its type's constraints."""
    if direction == "output":
        return {}
    found = {_CONSTRAINTS[key]: one for key, one in schema.constraints.items() if (schema.kind, key) != _STEPS}
    return found | ({"pattern": for_engine(str(found["pattern"]))} if "pattern" in found else {})


def enumerated(schema: Schema, direction: Direction, *, checked: bool) -> str:
    """The annotation of one of the values of an enum."""
    plain = scalar(schema, direction, checked=checked)
    if is_literal(schema):
        choices = f"Literal[{', '.join(map(literal, schema.enum))}]"
        return choices if direction == "input" else f"{choices} | {plain}"
    values = (*schema.enum, None) if schema.nullable else schema.enum
    return f"Annotated[{plain}, {call('OneOf', *values)}]" if checked and direction == "input" else plain


def is_literal(schema: Schema) -> bool:
    """Whether the values of an enum can be written as a Literal (PEP 586)."""
    return schema.kind in ("string", "integer", "boolean")


def scalar(schema: Schema, direction: Direction, *, checked: bool) -> str:
    """The annotation of a value. checked: its constraints are checked where it is written."""
    if schema.kind == "decimal" and checked and direction == "input" and "multipleOf" in schema.constraints:
        return f"Annotated[DecimalNumber, {call('MultipleOf', schema.constraints['multipleOf'])}]"
    if schema.kind != "string":
        return _SCALARS.get(schema.kind, "Any")
    formats = _WRITTEN_FORMATS if checked else FORMATS
    return "str" if constraints(schema, direction) else formats.get(schema.format, "str")
