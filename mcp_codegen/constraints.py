"""What narrows a value down: the keywords, the kinds that they go with, and what is wrong with one."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping
from typing import Final

from pydantic_core import SchemaError, SchemaValidator, core_schema

from mcp_codegen.errors import shown
from mcp_codegen.patterns import for_engine
from mcp_codegen.schema import Kind
from mcp_codegen.validation import kind_of

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
_SIZES: Final = frozenset({"minLength", "maxLength", "minItems", "maxItems"})
_LARGEST_SIZE: Final = 2**31 - 1


def constraint_problem(key: str, value: object, kind: Kind) -> tuple[str, str] | None:
    """What is wrong with a constraint, and what to do about it."""
    if kind != "union" and kind not in CONSTRAINTS[key]:
        beside = "'$ref'" if kind == "ref" else f"type {kind}"
        return f"{shown(key)} does not go with {beside}", "remove one of them, or mend the type"
    if key == "pattern":
        return _pattern_problem(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"expected a number, found {kind_of(value)}", "write it without quotes"
    if abs(value) > sys.float_info.max:
        return "this number is too large to be compared with", "write a smaller one, or remove the key"
    if key in _SIZES and not (0 <= value <= _LARGEST_SIZE and value == int(value)):
        return f"expected a whole number from 0 to {_LARGEST_SIZE}", "write a length or a count"
    return _number_problem(key, value, kind)


def can_be_checked(pattern: object) -> bool:
    """Whether a pattern is a regular expression for Python and for Rust, which has no look-around."""
    return _pattern_problem(pattern) is None


def _number_problem(key: str, value: float, kind: Kind) -> tuple[str, str] | None:
    if kind == "integer" and value != int(value):
        return "expected a whole number", "write one, or make the type a number"
    return ("must be greater than 0", "raise it") if key == "multipleOf" and value <= 0 else None


def _pattern_problem(value: object) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return f"expected text, found {kind_of(value)}", "write a regular expression, in quotes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return f"{shown(value)} is not a regular expression", "mend it"
    except FutureWarning:
        return f"{shown(value)} means different things to different engines", "write the set of characters out"
    try:
        SchemaValidator(core_schema.str_schema(pattern=for_engine(value)))
    except SchemaError:
        hint = "write it shorter, without look-around and back references"
        return f"{shown(value)} is a regular expression that cannot be checked quickly", hint
    return None
