"""A process as a picture: its steps in order, as its last runs went, and where runs are now."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.durable import lookup
from mcp_codegen.orchestrator.durable.lookup import Wanted
from mcp_codegen.orchestrator.record import RunRecord
from mcp_codegen.orchestrator.service.service import Service

RUNS = 100
"""The last runs of a process that are looked at."""
OPEN = 20
"""Runs that have not ended of which is told where they are."""
WIDTH, HEIGHT, GAP = 212, 92, 44
"""Of a step's box, and between two; pixels."""
MOST_LETTERS = 24


@dataclass(slots=True)
class Station:
    """A step of a process."""

    key: str
    title: str
    ends: Counter[str] = field(default_factory=Counter)
    """How often it ended how: `success`, `error`, `skipped`."""
    retries: int = 0
    median: float | None = None
    """Seconds that it took when it succeeded."""
    now: int = 0
    """Runs that are in it, or wait for it."""
    x: int = 0

    @property
    def label(self) -> str:
        """The title, as far as there is room."""
        return self.title if len(self.title) <= MOST_LETTERS else self.title[: MOST_LETTERS - 1] + "…"

    @property
    def done(self) -> int:
        """How often it ended."""
        return self.ends.total()


@dataclass(frozen=True, slots=True)
class Flow:
    """The picture, and what it was made of."""

    stations: list[Station]
    runs: int
    ends: Counter[str]
    """How many of these runs ended how."""
    waiting: int
    """Runs that wait for their first step."""
    width: int
    height: int = HEIGHT


def draw(service: Service, process: str) -> Flow:
    """The picture of a process from its last runs."""
    open_ones = _page(service, Wanted(process=process, status="unfinished"), OPEN)
    states = service.history.states(open_ones)
    ended = [
        run_id
        for status in ("succeeded", "failed")
        for run_id in _page(service, Wanted(process=process, status=status), RUNS)
    ]
    records = sorted(service.history.records(ended).values(), key=lambda each: each.finished_at)[-RUNS:]
    stations = _stations([masking.masked(record) for record in records])
    waiting = 0
    for run_id in open_ones:
        place = len(service.history.steps(run_id)) if states.get(run_id) == "running" else -1
        if 0 <= place < len(stations):
            stations[place].now += 1
        else:
            waiting += 1
    for number, station in enumerate(stations):
        station.x = GAP + number * (WIDTH + GAP)
    width = GAP + len(stations) * (WIDTH + GAP)
    return Flow(stations, len(records), Counter(record.status for record in records), waiting, width)


def _page(service: Service, wanted: Wanted, limit: int) -> list[str]:
    return [row.run_id for row in lookup.page(service.database, wanted, limit=limit)]


def _stations(records: Sequence[RunRecord]) -> list[Station]:
    """Each step that a run came to, in the order of the places that it had."""
    found: dict[str, Station] = {}
    places: defaultdict[str, list[int]] = defaultdict(list)
    spans: defaultdict[str, list[float]] = defaultdict(list)
    for record in records:
        for step in record.steps:
            station = found.setdefault(step.key, Station(step.key, step.title))
            station.title = step.title
            station.ends[step.status] += 1
            station.retries += len(step.retried)
            places[step.key].append(step.step)
            if step.status == "success" and step.duration is not None:
                spans[step.key].append(step.duration)
    for key, station in found.items():
        station.median = statistics.median(spans[key]) if spans[key] else None
    return sorted(found.values(), key=lambda each: (_mean(places[each.key]), each.key))


def _mean(values: Iterable[int]) -> float:
    return statistics.fmean(values)
