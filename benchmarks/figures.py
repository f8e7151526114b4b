"""What was measured: figures, and what could not be had. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

OURS: Final = "mcp-codegen"
FLOOR: Final = "floor"

TARGETS: Final[Mapping[tuple[str, str], float]] = {
    ("github", "CPU s until tools/list is answered"): 1.2,
    ("github", "peak MB until then"): 130,
    ("github", "kB of tools/list"): 2_500,
    ("github", "kB of the largest tool"): 16,
    ("github", "CPU s to generate"): 25,
    ("github", "CPU s again, nothing changed"): 2,
    ("github", "errors of mypy --strict"): 0,
    ("calls", "server over stdio, CPU ms a call, 1 in flight"): 3,
    ("service", "errors"): 0,
    **{
        ("calls", f"{way}, CPU ms more than the echo, {flight} in flight"): 1.5
        for way in ("server over stdio", "server over HTTP", "in process, with the client")
        for flight in (1, 16, 64)
    },
    **{
        ("calls", f"{way}, CPU of 64 in flight / of 16"): 1.0
        for way in ("server over stdio", "server over HTTP", "in process, with the client")
    },
    **{
        ("processes", f"{database}: {measure}"): most
        for database in ("SQLite", "PostgreSQL, 1 worker", "PostgreSQL, 2 workers")
        for measure, most in (
            ("times the floor's CPU", 10.0),
            ("MB that memory grew", 50.0),
            ("times the CPU a process", 1.2),
        )
    },
}
"""What the project promises at most, by description (or subject, for all of its descriptions) and measure."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one contestant on one description: the least and the median of several runs."""

    subject: str
    spec: str
    measure: str
    contestant: str
    least: float
    median: float
    runs: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A contestant without figures, and why; an empty `spec` is for all descriptions."""

    subject: str
    spec: str
    contestant: str
    reason: str


Found = Figure | Missing


@dataclass(frozen=True, slots=True)
class Row:
    """A measure of all contestants on one description."""

    measure: str
    figures: Mapping[str, Figure]
    target: float | None

    def ratio(self, contestant: str) -> float | None:
        """How many times ours a contestant's figure is; None where either is missing, or ours is nothing."""
        ours, theirs = self.figures.get(OURS), self.figures.get(contestant)
        if ours is None or theirs is None or not ours.least:
            return None
        return theirs.least / ours.least

    @property
    def is_kept(self) -> bool | None:
        """Whether the target is kept; None where there is none, or no figure."""
        ours = self.figures.get(OURS)
        return None if self.target is None or ours is None else ours.least <= self.target


def figure(subject: str, spec: str, measure: str, contestant: str, values: Sequence[float]) -> Figure:
    """The figure of several runs."""
    return Figure(subject, spec, measure, contestant, min(values), statistics.median(values), len(values))


def tables(found: Iterable[Found]) -> dict[tuple[str, str], list[Row]]:
    """The figures by subject and description, in the order in which they were measured."""
    sheets: dict[tuple[str, str], dict[str, dict[str, Figure]]] = {}
    for one in found:
        if isinstance(one, Figure):
            sheet = sheets.setdefault((one.subject, one.spec), {})
            sheet.setdefault(one.measure, {})[one.contestant] = one
    return {
        key: [Row(measure, figures, _target(key, measure)) for measure, figures in sheet.items()]
        for key, sheet in sheets.items()
    }


def _target(key: tuple[str, str], measure: str) -> float | None:
    subject, spec = key
    return TARGETS.get((spec, measure), TARGETS.get((subject, measure)))


def as_json(found: Sequence[Found], about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, for programs: each figure with its ratio to ours and its target."""
    figures = [
        asdict(one)
        | {"times_ours": row.ratio(one.contestant), "target": row.target if one.contestant == OURS else None}
        for rows in tables(found).values()
        for row in rows
        for one in row.figures.values()
    ]
    return {"about": dict(about), "figures": figures, "missing": [asdict(m) for m in found if isinstance(m, Missing)]}
