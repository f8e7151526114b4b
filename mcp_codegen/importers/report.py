"""What became of every operation of a description: told in a line, a table or JSON."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mcp_codegen.errors import Pointer

Outcome = Literal["imported", "left out", "not selected"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("imported", "left out", "not selected")


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A value in one of the documents that were read."""

    document: str
    pointer: Pointer = ()

    def of(self, *parts: str | int) -> Spot:
        """A value inside this one."""
        return Spot(self.document, (*self.pointer, *parts))


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was mended, chosen or ignored, and where."""

    spot: Spot
    said: str


@dataclass(slots=True)
class Entry:
    """One operation."""

    key: str
    """`METHOD path`."""
    spot: Spot
    name: str = ""
    """Of the API; empty unless it was imported."""
    outcome: Outcome = "imported"
    reason: str = ""
    notes: list[Note] = field(default_factory=list)
    change: str = ""
    """What importing again did to it: `new`, `changed`, `same`."""


@dataclass(slots=True)
class Report:
    """Everything that importing has to say."""

    entries: list[Entry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    """About the description as a whole."""
    vanished: list[str] = field(default_factory=list)
    """Names of APIs whose operations the description no longer has."""
    kept: list[str] = field(default_factory=list)
    """Edits that were kept although the description changed the same thing."""
    hints: list[str] = field(default_factory=list)
    """What to try next."""

    def count(self, outcome: Outcome) -> int:
        """How many operations ended so."""
        return sum(entry.outcome == outcome for entry in self.entries)


def summary(report: Report) -> str:
    """One line: `20 operations: 19 imported, 1 left out (GET /a: why)`."""
    others = [outcome for outcome in OUTCOMES[1:] if report.count(outcome)]
    told = [f"{report.count('imported')} imported"]
    told += [f"{report.count(outcome)} {outcome}{_reasons(report, outcome)}" for outcome in others]
    changes = Counter(entry.change for entry in report.entries if entry.change)
    if changes:
        told.append(", ".join(f"{changes[kind]} {kind}" for kind in ("new", "changed", "same") if changes[kind]))
    if report.vanished:
        told.append(f"{len(report.vanished)} vanished")
    notes = len(report.notes) + len(report.kept) + sum(len(entry.notes) for entry in report.entries)
    if notes:
        told.append(f"{notes} note{'' if notes == 1 else 's'}")
    number = len(report.entries)
    return f"{number} operation{'' if number == 1 else 's'}: {', '.join(told)}"


def _reasons(report: Report, outcome: Outcome) -> str:
    if outcome == "not selected":
        return ""
    counted = Counter(entry.reason for entry in report.entries if entry.outcome == outcome)
    said = [reason if number == 1 else f"{number} times {reason}" for reason, number in counted.most_common(3)]
    return f" ({'; '.join(said)}{'; …' if len(counted) > 3 else ''})"  # noqa: PLR2004 - a line stays a line


def as_json(report: Report, where: Mapping[Spot, str]) -> str:
    """The report for machines. where: the place of each spot, as `file:line:column`."""
    told: dict[str, Any] = {
        "operations": len(report.entries),
        **{
            outcome.replace(" l", "L").replace(" o", "O").replace(" s", "S"): report.count(outcome)
            for outcome in OUTCOMES
        },
        "entries": [_entry(entry, where) for entry in report.entries],
        "notes": [_note(note, where) for note in report.notes],
        "vanished": report.vanished,
        "kept": report.kept,
        "hints": report.hints,
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _entry(entry: Entry, where: Mapping[Spot, str]) -> dict[str, Any]:
    told = {
        "operation": entry.key,
        "where": where.get(entry.spot, entry.spot.document),
        "outcome": entry.outcome,
        "name": entry.name,
        "reason": entry.reason,
        "change": entry.change,
        "notes": [_note(note, where) for note in entry.notes],
    }
    return {key: value for key, value in told.items() if value not in ("", [])}


def _note(note: Note, where: Mapping[Spot, str]) -> dict[str, str]:
    return {"where": where.get(note.spot, note.spot.document), "note": note.said}


def as_table(report: Report, where: Mapping[Spot, str]) -> str:
    """The report for people; foreign text in it does nothing to a terminal."""
    rows = [(entry.outcome, entry.key, entry.name or entry.reason) for entry in report.entries]
    lines = _aligned([("outcome", "operation", "name, or why not"), *rows])
    about = [(entry.key, note) for entry in report.entries for note in entry.notes]
    told = [f"{where.get(note.spot, note.spot.document)}: {key}: {note.said}" for key, note in about]
    told += [f"{where.get(note.spot, note.spot.document)}: {note.said}" for note in report.notes]
    told += [f"vanished: {name}" for name in report.vanished] + [f"kept: {edit}" for edit in report.kept]
    lines += ["", "Notes:", *told] if told else []
    lines += ["", *report.hints] if report.hints else []
    return "".join(f"{_harmless(line)}\n" for line in [*lines, "", summary(report)])


def spots(report: Report) -> list[Spot]:
    """Every place that the report speaks of."""
    entries = [spot for entry in report.entries for spot in (entry.spot, *(note.spot for note in entry.notes))]
    return list(dict.fromkeys([*entries, *(note.spot for note in report.notes)]))


def _aligned(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    widths = [min(max(map(len, column)), 60) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _harmless(line: str) -> str:
    return "".join(_escaped(line))


def _escaped(line: str) -> Iterable[str]:
    for character in line:
        safe = character == " " or unicodedata.category(character)[0] not in "CZ"
        yield character if safe else character.encode("unicode_escape").decode("ascii")
