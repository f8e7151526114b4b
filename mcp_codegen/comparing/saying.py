"""A comparison in words for people, as data for programs, and as an entry of a changelog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, Final

from mcp_codegen.comparing.changes import LEVELS, Change, Comparison, Level
from mcp_codegen.comparing.words import shown_name
from mcp_codegen.names import TOOL_NAME
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
_FEW: Final = 3
"""A change of a type that more tools use is told once."""
_Shared = tuple[str, str, Change]


def as_text(found: Comparison) -> str:
    """The changes by tool, those of types that many tools use by type, and what they ask for."""
    blocks = [
        "\n".join([head, *(f"  {level:<{_WIDTH}}  {said}" for level, said in lines)]) for head, lines in _told(found)
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
    told = list(_told(found))
    for level in LEVELS:
        if said := [(head, one) for head, ones in told for weight, one in ones if weight == level]:
            lines += ["", f"### {_HEADINGS[level]}", "", *(f"- {_item(head, one)}" for head, one in said)]
    return "\n".join(lines) + "\n"


def _item(head: str, sentence: str) -> str:
    said = markdown(sentence)
    if head == _PACKAGE:
        return f"{said[0].upper()}{said[1:]}."
    return f"`{head}` {said}." if TOOL_NAME.fullmatch(head) else f"{markdown(head)}: {said}."


def _told(found: Comparison) -> Iterator[tuple[str, list[tuple[Level, str]]]]:
    """What is told together, under which heading."""
    users: dict[_Shared, list[str]] = {}
    for change in found.changes:
        if change.type:
            users.setdefault(_shared(change), []).append(change.tool)
    users = {key: tools for key, tools in users.items() if len(tools) > _FEW}
    alone = [change for change in found.changes if not change.type or _shared(change) not in users]
    for tool in dict.fromkeys(change.tool for change in alone):
        yield tool or _PACKAGE, [(one.level, one.sentence) for one in alone if one.tool == tool]
    by_type: dict[str, list[tuple[Level, str]]] = {}
    for (side, name, one), tools in users.items():
        called = f"{shown_name(name)}, in {side} of {len(tools)} tools ({', '.join(tools[:_FEW])} and others)"
        by_type.setdefault(called, []).append((one.level, one.said_of(one.part.lstrip("."))))
    for called, lines in by_type.items():
        yield called, sorted(lines, key=lambda line: LEVELS.index(line[0]))


def _shared(change: Change) -> _Shared:
    """What the changes of a type have in common in all tools that use it."""
    side = "inputs" if change.where.startswith("input ") else "answers"
    return side, change.type, replace(change, tool="", where="")
