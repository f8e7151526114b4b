"""Numbers over time: how many runs end, how many of them well, how long they take, and how many wait."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import runs

BOUNDS = tuple(base * 10**power for power in range(1, 7) for base in (1, 2, 5))
"""Milliseconds: runs are counted by classes of how long they took, so that any number of them is one small answer."""


@dataclass(frozen=True, slots=True)
class Window:
    """How far back to look, and how much time one point stands for; both in seconds."""

    seconds: int
    bucket: int


WINDOWS: Mapping[str, Window] = {"15m": Window(900, 15), "1h": Window(3600, 60), "24h": Window(86_400, 1200)}


@dataclass(frozen=True, slots=True)
class Figures:
    """A point for each bucket; those of the same place belong together."""

    times: list[int]
    """Seconds since 1970, at which buckets begin."""
    succeeded: list[float]
    """Runs in a minute."""
    failed: list[float]
    share: list[float | None]
    """Of those that ended, how many succeeded, in percent; none where none ended."""
    median: list[float | None]
    """Seconds that a run took, without its wait for a worker."""
    slow: list[float | None]
    """Of 100 runs, 95 took no longer."""
    backlog: list[int]
    """Runs that had not ended at the bucket's end."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole window in a few numbers."""

    ended: int
    failed: int
    share: float | None
    """From 0 to 1."""
    slow: float | None
    per_minute: float
    backlog: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Runs that ended in one bucket: by how, and by how long they took."""

    by_status: Counter[str]
    by_class: Counter[int]


def figures(database: sa.Engine, window: Window, now_ms: int) -> Figures:
    """The points of a window that ends now."""
    width = window.bucket * 1000
    last = now_ms - now_ms % width
    starts = list(range(last - (window.seconds * 1000 - width), last + 1, width))
    ended, created = _ended(database, starts[0], width), _created(database, starts[0], width)
    minutes = window.bucket / 60
    backlog, waiting = list[int](), _backlog(database)
    for start in reversed(starts):
        backlog.append(max(0, waiting))
        waiting += sum(ended[start].by_status.values()) - created[start]
    each = [ended[start] for start in starts]
    return Figures(
        times=[start // 1000 for start in starts],
        succeeded=[round(one.by_status["succeeded"] / minutes, 3) for one in each],
        failed=[round(one.by_status["failed"] / minutes, 3) for one in each],
        share=[None if (part := _share(one.by_status)) is None else round(100 * part, 2) for one in each],
        median=[_quantile(one.by_class, 0.5) for one in each],
        slow=[_quantile(one.by_class, 0.95) for one in each],
        backlog=backlog[::-1],
    )


def totals(database: sa.Engine, window: Window, now_ms: int) -> Totals:
    """The numbers of a window that ends now."""
    by_status, by_class = Counter[str](), Counter[int]()
    for one in _ended(database, now_ms - window.seconds * 1000, window.seconds * 1000).values():
        by_status += one.by_status
        by_class += one.by_class
    ended = by_status["succeeded"] + by_status["failed"]
    per_minute = ended * 60 / window.seconds
    slow = _quantile(by_class, 0.95)
    return Totals(ended, by_status["failed"], _share(by_status), slow, per_minute, _backlog(database))


def _ended(database: sa.Engine, begin: int, width: int) -> defaultdict[int, Ended]:
    took = runs.c.ended_ms - sa.func.coalesce(runs.c.started_ms, runs.c.ended_ms)
    kind = sa.case(*((took < bound, number) for number, bound in enumerate(BOUNDS)), else_=len(BOUNDS))
    start = runs.c.ended_ms - runs.c.ended_ms % width
    rows = sa.select(start.label("start"), runs.c.status, kind.label("kind")).where(runs.c.ended_ms >= begin).subquery()
    query = sa.select(rows.c.start, rows.c.status, rows.c.kind, sa.func.count())
    found: defaultdict[int, Ended] = defaultdict(lambda: Ended(Counter(), Counter()))
    with database.connect() as connection:
        for moment, status, number, many in connection.execute(
            query.group_by(rows.c.start, rows.c.status, rows.c.kind)
        ):
            found[moment].by_status[status] += many
            if status == "succeeded":
                found[moment].by_class[number] += many
    return found


def _created(database: sa.Engine, begin: int, width: int) -> Counter[int]:
    start = runs.c.created_ms - runs.c.created_ms % width
    rows = sa.select(start.label("start")).where(runs.c.created_ms >= begin).subquery()
    query = sa.select(rows.c.start, sa.func.count().label("many")).group_by(rows.c.start)
    with database.connect() as connection:
        return Counter({row.start: row.many for row in connection.execute(query)})


def _backlog(database: sa.Engine) -> int:
    """Those without an end; by their end, since that has an index."""
    with database.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).where(runs.c.ended_ms.is_(None))).scalar_one()


def _share(by_status: Counter[str]) -> float | None:
    ended = by_status["succeeded"] + by_status["failed"]
    return by_status["succeeded"] / ended if ended else None


def _quantile(by_class: Counter[int], part: float) -> float | None:
    """Seconds that this part of the runs took at most, as if those of a class were spread evenly over it."""
    wanted, seen = part * by_class.total(), 0
    for number, many in sorted(by_class.items()):
        if seen + many >= wanted and many:
            low = BOUNDS[number - 1] if number else 0
            high = BOUNDS[number] if number < len(BOUNDS) else 2 * low
            return round((low + (high - low) * (wanted - seen) / many) / 1000, 4)
        seen += many
    return None


def recent_failures(
    database: sa.Engine, process: str, since_ms: int, limit: int = 10
) -> list[tuple[str, str | None, str, int, int]]:
    """What runs of a process failed of since then, the most frequent first: code, step, a message, how many, the last.

    The time is in milliseconds; messages hold no personal data.
    """
    many = sa.func.count()
    query = sa.select(
        runs.c.error_code, runs.c.failed_step, sa.func.max(runs.c.error_message), many, sa.func.max(runs.c.ended_ms)
    )
    query = query.where(runs.c.ended_ms >= since_ms, runs.c.status == "failed", runs.c.process == process)
    query = query.group_by(runs.c.error_code, runs.c.failed_step).order_by(many.desc()).limit(limit)
    with database.connect() as connection:
        return [(code, step, message, count, last) for code, step, message, count, last in connection.execute(query)]
