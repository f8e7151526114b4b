"""What classes are called after: the way from a type of the catalog to the part that a class is made from."""

from __future__ import annotations

import re
from typing import Final

from mcp_codegen.schema import Direction, Schema

_SEPARATOR: Final = "\x1f"


def source_of(*parts: str) -> str:
    """What a class is called after; other parts never give the same source."""
    return _SEPARATOR.join([part.replace("\\", "\\\\").replace(_SEPARATOR, "\\s") for part in parts])


def parts_of(source: str) -> list[str]:
    """What a source was made of."""
    return [_plain(part) for part in source.split(_SEPARATOR)]


def outer(source: str) -> str:
    """That of which this one is a part; empty where it is none."""
    return source.rpartition(_SEPARATOR)[0]


def named(schema_name: str, direction: Direction) -> str:
    """A type that has a name. No API's source begins with two empty parts, or with a part that is not."""
    return source_of(schema_name) if direction == "output" else source_of("", "", schema_name, "input")


def inner(source: str, member: str) -> str:
    """A part of it."""
    return f"{source}{_SEPARATOR}{source_of(member)}"


def variant(source: str, union: Schema, index: int) -> str:
    """What one of a union's types is called after: its title where no other has it, else its number."""
    title = union.variants[index].title
    is_own = title and not title.isdigit() and sum(one.title == title for one in union.variants) == 1
    return inner(source, title if is_own else str(index + 1))


def _plain(part: str) -> str:
    return re.sub(r"\\(.)", lambda match: _SEPARATOR if match[1] == "s" else match[1], part)
