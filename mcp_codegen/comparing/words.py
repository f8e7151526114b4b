"""Types and values in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mcp_codegen.errors import shown
from mcp_codegen.scalars import FORMATS
from mcp_codegen.schema import Schema

_WORDS: Final[Mapping[str, str]] = {
    "string": "text", "integer": "a whole number", "number": "a number", "decimal": "a decimal number",
    "boolean": "true or false", "object": "an object", "array": "a list", "file": "a file", "any": "any value",
    "union": "one of several types",
}  # fmt: skip


def called(schema: Schema) -> str:
    """`a whole number`; a named type is called by its name."""
    if schema.kind == "ref":
        return shown_name(schema.ref)
    if schema.kind == "string" and (python := python_type(schema)):
        return {"dt.date": "a date", "dt.datetime": "a date with a time"}[python]
    return _WORDS[schema.kind]


def python_type(schema: Schema) -> str:
    """The Python type that a format makes of a text."""
    return FORMATS.get(schema.format, "") if schema.kind == "string" and not schema.constraints else ""


def format_of(schema: Schema) -> str:
    """`the format 'uuid'`."""
    return f"the format {shown(schema.format)}" if schema.format else "no format"


def listed(values: Sequence[object]) -> str:
    """The first of several values."""
    first = ", ".join(shown(value) if isinstance(value, str) else shown(str(value))[1:-1] for value in values[:5])
    return f"{first} and {len(values) - 5} more" if len(values) > 5 else first  # noqa: PLR2004 - as many as are shown


def shown_name(name: str) -> str:
    """A name, in quotes where it is no plain word."""
    return name if name.isidentifier() and name.isascii() else shown(name)
