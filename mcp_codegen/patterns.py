"""Regular expressions of JSON Schema, for the engine that checks them.

In JSON Schema they are ECMA-262's (2020-12, section 6.4), where `\\d` and `\\w` are ASCII (CharacterClassEscape); in
the engine that generated code checks with, Rust's, they are all of Unicode's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_SETS: Final = {"d": "0-9", "w": "A-Za-z0-9_"}


def for_engine(pattern: str) -> str:
    """The pattern with its classes of digits and word characters written out; valid ones stay valid."""
    return "".join(_parts(pattern))


def _parts(pattern: str) -> Iterator[str]:
    in_set = False
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            escaped = next(characters, "")
            if escaped.lower() in _SETS:
                yield _set(escaped, in_set=in_set)
            else:
                yield f"\\{escaped}"
            continue
        if character == "[":
            in_set = True
        elif character == "]":
            in_set = False
        yield character


def _set(escaped: str, *, in_set: bool) -> str:
    """`\\d` or `\\W` and the like; what is not in a set cannot be told inside one but by a set of its own."""
    written = _SETS[escaped.lower()]
    if escaped.isupper():
        return f"[^{written}]"
    return written if in_set else f"[{written}]"
