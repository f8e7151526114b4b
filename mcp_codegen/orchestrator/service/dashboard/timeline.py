"""A run's steps on a time axis: where each attempt begins and how long it is, in percent of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TICKS = 5
LEAST = 0.4
"""Percent of the width: what is shorter could not be seen."""

Step = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """An attempt of a step, or the wait before the next one."""

    kind: str
    """`retried` for an attempt that failed and was followed by another, `wait`, or how the step ended."""
    left: float
    width: float
    start: float
    """Seconds since the run began."""
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step and its segments."""

    step: Step
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, float], ...]
    """Percent and seconds of each line of the axis."""
    seconds: float


def draw(steps: Sequence[Step], ended_at: datetime | None) -> Timeline:
    """The picture of a run's steps; of one that has not ended, up to its last one."""
    if not steps:
        return Timeline((), (), 0)
    begin = min(_moment(step) for step in steps)
    ends = [(_moment(step) - begin).total_seconds() + (step["duration"] or 0) for step in steps]
    whole = max(*ends, (ended_at - begin).total_seconds() if ended_at else 0, 0.001)
    bars = tuple(Bar(step, tuple(_placed(_segments(step, begin), whole))) for step in steps)
    return Timeline(bars, tuple((100 * tick / whole, tick) for tick in _ticks(whole)), whole)


def _segments(step: Step, begin: datetime) -> Iterator[tuple[str, float, float, str]]:
    """Kind, start, length and note of each part of a step."""
    start = (_moment(step) - begin).total_seconds()
    end = start + (step["duration"] or 0)
    for attempt in step["retried"]:
        began = (datetime.fromisoformat(attempt["started_at"]) - begin).total_seconds()
        yield "retried", began, attempt["duration"], attempt["error"]["message"]
        start = began + attempt["duration"]
        if attempt["wait"]:
            yield "wait", start, attempt["wait"], ""
            start += attempt["wait"]
    yield step["status"], min(start, end), max(0.0, end - start), (step["error"] or {}).get("message", "")


def _placed(parts: Iterator[tuple[str, float, float, str]], whole: float) -> Iterator[Segment]:
    for kind, start, length, note in parts:
        width = max(LEAST, 100 * length / whole)
        left = min(max(0.0, 100 * start / whole), 100 - LEAST)
        yield Segment(kind, round(left, 3), round(min(width, 100 - left), 3), start, length, note)


def _ticks(whole: float) -> list[float]:
    """Round numbers of seconds, about so many."""
    rough = whole / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [number * step for number in range(int(whole / step) + 1)]


def _moment(step: Step) -> datetime:
    return datetime.fromisoformat(step["timestamp"])
