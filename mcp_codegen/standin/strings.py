"""Text of a type: it keeps the type's constraints, and looks like what it stands for as far as they let it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mcp_codegen.schema import Schema
from mcp_codegen.standin import patterns, texts
from mcp_codegen.standin.draw import Draw

LONGEST: Final = 4_000
"""Longer text is not made, whatever the type asks for."""


def text(schema: Schema, name: str, draw: Draw) -> str:
    """Text that keeps the type's constraints, where such text was found."""
    found = next((one for one in _candidates(schema, name, draw) if fits(one, schema)), None)
    return _sized(texts.otherwise(name, draw), *_lengths(schema)) if found is None else found


def fits(value: str, schema: Schema) -> bool:
    """Whether text keeps the type's pattern and lengths."""
    low, high = _lengths(schema)
    pattern = schema.constraints.get("pattern")
    return low <= len(value) <= high and (pattern is None or patterns.matcher(pattern)(value))


def _candidates(schema: Schema, name: str, draw: Draw) -> Iterator[str]:
    """What the text may be, the most telling first."""
    example = schema.example[0] if schema.example and isinstance(schema.example[0], str) else ""
    if writer := texts.by_format(schema.format):
        yield writer(draw)
    if any(character.isdecimal() for character in example):
        yield patterns.like(example, draw)
    if writer := texts.by_name(name, schema.description):
        yield writer(draw)
    if pattern := schema.constraints.get("pattern"):
        made = patterns.text_for(pattern, draw, *_lengths(schema))
        yield from [made] if made is not None else []
    if example:
        yield example


def _lengths(schema: Schema) -> tuple[int, int]:
    low, high = schema.constraints.get("minLength", 0), schema.constraints.get("maxLength", LONGEST)
    return min(int(low), LONGEST), min(int(high), LONGEST)


def _sized(made: str, low: int, high: int) -> str:
    """The text, cut or filled up; what tells it from others stands at its end and stays."""
    return made[-high:].rjust(low, "0") if high else ""
