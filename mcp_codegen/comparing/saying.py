"""A comparison in words for people, as data for programs, and as an entry of a changelog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from mcp_codegen.comparing.changes import LEVELS, Change, Comparison, Level
from mcp_codegen.rendering import markdown

_COUNTED: Final[dict[Level, tuple[str, str]]] = {
    "breaking": ("breaking change", "breaking changes"),
    "addition": ("addition", "additions"),
    "behaviour": ("change of behaviour", "changes of behaviour"),
    "documentation": ("change of words", "changes of words"),
}
_HEADINGS: Final[dict[Level, str]] = {
    "breaking": "Breaking", "addition": "Added", "behaviour": "Changed", "documentation": "Documentation",
}  # fmt: skip
_WIDTH: Final = max(map(len, LEVELS))
_PACKAGE: Final = "The package as a whole"


def as_text(found: Comparison) -> str:
    """The changes by tool, and what they ask for."""
    blocks = [
        "\n".join([tool or _PACKAGE, *(f"  {one.level:<{_WIDTH}}  {one.sentence}" for one in changes)])
        for tool, changes in _by_tool(found.changes)
    ]
    return "\n\n".join([*blocks, summary(found)]) + "\n"


def summary(found: Comparison) -> str:
    """How many changes of which kind, and the version that they ask for."""
    if not found.changes:
        return "Nothing changed for callers."
    counts = [(len(found.of(level)), _COUNTED[level]) for level in LEVELS]
    said = ", ".join(f"{number} {words[number > 1]}" for number, words in counts if number)
    return f"{said}: after {found.old_version} comes {found.version} ({found.asks})."


def as_data(found: Comparison) -> dict[str, Any]:
    """The same for programs; `docs/versions.md` says what the keys mean."""
    return {
        "old": {"name": found.old_name, "version": found.old_version},
        "new": {"name": found.new_name, "version": found.new_version},
        "breaking": bool(found.of("breaking")),
        "asks": found.asks,
        "version": found.version,
        "counts": {level: len(found.of(level)) for level in LEVELS},
        "changes": [asdict(change) for change in found.changes],
    }


def changelog(found: Comparison, version: str) -> str:
    """An entry in Markdown, in the form of Keep a Changelog."""
    lines = [f"## {version}"]
    for level in LEVELS:
        if changes := found.of(level):
            lines += ["", f"### {_HEADINGS[level]}", "", *(f"- {_item(change)}" for change in changes)]
    return "\n".join(lines) + "\n"


def _item(change: Change) -> str:
    said = markdown(change.sentence)
    return f"`{change.tool}` {said}." if change.tool else f"{said[0].upper()}{said[1:]}."


def _by_tool(changes: Sequence[Change]) -> Iterator[tuple[str, list[Change]]]:
    for tool in dict.fromkeys(change.tool for change in changes):
        yield tool, [change for change in changes if change.tool == tool]
