"""What narrows a value down: the keywords, the kinds that they go with, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pydantic_core import SchemaError, SchemaValidator, core_schema

from mcp_codegen.errors import shown
from mcp_codegen.schema import Kind

CONSTRAINTS: Final[Mapping[str, tuple[Kind, ...]]] = {
    "pattern": ("string",),
    "minLength": ("string",),
    "maxLength": ("string",),
    "minimum": ("integer", "number", "decimal"),
    "maximum": ("integer", "number", "decimal"),
    "exclusiveMinimum": ("integer", "number", "decimal"),
    "exclusiveMaximum": ("integer", "number", "decimal"),
    "multipleOf": ("integer", "number", "decimal"),
    "minItems": ("array",),
    "maxItems": ("array",),
}


def constraint_problem(key: str, value: object, kind: Kind) -> tuple[str, str] | None:
    """What is wrong with a constraint, and what to do about it."""
    if kind not in ("any", "union") and kind not in CONSTRAINTS[key]:
        return f"{shown(key)} does not go with type {kind}", "remove one of them"
    if key == "pattern":
        return _pattern_problem(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "expected a number", "write a number"
    if key.startswith(("min", "max")) and key not in ("minimum", "maximum") and (value < 0 or value != int(value)):
        return "expected a whole number from 0", "write a length or a count"
    return ("must be greater than 0", "raise it") if key == "multipleOf" and value <= 0 else None


def can_be_checked(pattern: object) -> bool:
    """Whether a pattern is a regular expression for Python and for Rust, which has no look-around."""
    return _pattern_problem(pattern) is None


def _pattern_problem(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "expected text", "write a regular expression"
    try:
        re.compile(value)
        SchemaValidator(core_schema.str_schema(pattern=value))
    except (SchemaError, re.error, RecursionError, OverflowError):
        return f"{shown(value)} is not a regular expression that can be checked", "write it without look-around"
    return None
