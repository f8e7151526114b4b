"""What can go wrong at build time, and how it is said.

CodegenError
├── CatalogError      problems in files that a person wrote, all of them at once
├── SettingsError     a flag or an environment variable that cannot be used
└── OutputError       the output folder holds something that generation must not overwrite
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

Pointer = tuple[str | int, ...]
"""The way from a document's root to a value: keys and indexes."""

SHOWN_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place: what it is, and what to do about it."""

    pointer: Pointer
    message: str
    hint: str
    at_key: bool = False
    """It is the key that is wrong, not its value."""


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """A problem found in a file: lines and columns count from 1."""

    file: str
    line: int
    column: int
    pointer: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.pointer}: {self.message}; {self.hint}"


class CodegenError(Exception):
    """Something that the user can mend; its text says where, what, and how."""


class CatalogError(CodegenError):
    """Everything that is wrong with the catalogs, sorted by place, each thing once."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics)))
        super().__init__("\n".join(map(str, self.diagnostics)))


class SettingsError(CodegenError):
    """A flag or an environment variable that cannot be used."""


class OutputError(CodegenError):
    """Files stand in the way; nothing was written."""


def pointer_text(pointer: Pointer) -> str:
    """A pointer as people write it: `apis[2].inputs[0].type`; the root is `$`."""
    text = ""
    for part in pointer:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier() and part.isascii() and len(part) <= SHOWN_LENGTH:
            text += f".{part}"
        else:
            text += f"[{shown(part)}]"
    return text.removeprefix(".") or "$"


def shown(text: str) -> str:
    """Foreign text in quotes, cut, and with nothing in it that a terminal would obey."""
    cut = text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"
    safe = "".join(c if _is_printable(c) else c.encode("unicode_escape").decode("ascii") for c in cut)
    return f"'{safe}'"


def _is_printable(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ" or character == " "
