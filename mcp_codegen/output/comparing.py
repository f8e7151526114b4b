"""How a file on disk differs from what it should be, for people to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator


def unified(path: str, old: bytes | None, new: bytes | None) -> str:
    """A unified diff of one file; None where there is no such file, "" where both are equal."""
    if old == new:
        return ""
    before, after = (path if content is not None else "/dev/null" for content in (old, new))
    changes = list(difflib.unified_diff(_lines(old or b""), _lines(new or b""), before, after))
    if not changes:  # an empty file came or went, or the difference is in bytes that are no text
        changes = [f"--- {before}\n", f"+++ {after}\n"]
    return "".join(changes)


def _lines(content: bytes) -> list[str]:
    """A content's lines, each ended, with nothing in them that a terminal would obey."""
    return list(_visible(content.decode("utf-8", "backslashreplace")))


def _visible(text: str) -> Iterator[str]:
    *lines, last = text.split("\n")
    for line in lines:
        yield f"{_printable(line)}\n"
    if last:
        yield f"{_printable(last)}\n\\ No newline at end of file\n"


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode("ascii") for c in line)
