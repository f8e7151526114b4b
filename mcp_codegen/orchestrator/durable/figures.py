"""What a batch came to, in figures that the database counts: nothing here grows with the number of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import runs

SHARES = (0.5, 0.9, 0.95, 0.99, 1.0)
"""The percentiles of durations, the longest last."""
BARS, POINTS = 40, 120
"""How many parts the charts of durations and of throughput have at most."""
KINDS_OF_FAILURES = 100
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
PERIODS = (
    *(100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND),
    *(MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY),
)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long runs took from their start to their end, in milliseconds."""

    percentiles: dict[str, int]
    """`p50` … `p100`."""
    width: int
    """Of each bar."""
    bars: list[int]
    """Runs that took less than `width`, less than twice that, …"""
    longer: int
    """Runs that took longer than all bars."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """How many runs ended when; milliseconds since 1970."""

    start: int
    width: int
    succeeded: list[int]
    """In each period of `width` from `start` on."""
    others: list[int]


@dataclass(frozen=True, slots=True)
class Failures:
    """Runs that failed at the same step with the same code."""

    step: str | None
    code: str
    runs: int
    message: str
    """One of theirs."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The batch as a whole."""

    outcomes: dict[str, int]
    """Runs that `succeeded`, `failed`, were `cancelled`, or are `unfinished`."""
    retries: int
    started: int | None
    """The first start of a run, in milliseconds since 1970."""
    ended: int | None


def totals(database: sa.Engine, batch: str) -> Totals:
    """The batch as a whole."""
    query = sa.select(
        runs.c.status,
        sa.func.count(),
        sa.func.sum(runs.c.steps_retried),
        sa.func.min(runs.c.started_ms),
        sa.func.max(runs.c.ended_ms),
    )
    with database.connect() as connection:
        found = connection.execute(query.where(runs.c.batch == batch).group_by(runs.c.status)).all()
    return Totals(
        outcomes={status or "unfinished": int(count) for status, count, *_ in found},
        retries=sum(int(retried or 0) for _, _, retried, _, _ in found),
        started=min((start for *_, start, _ in found if start is not None), default=None),
        ended=max((end for *_, end in found if end is not None), default=None),
    )


def durations(database: sa.Engine, batch: str) -> Durations | None:
    """How long runs took; None where none has ended."""
    took = (runs.c.ended_ms - runs.c.started_ms).label("took")
    chosen = sa.select(took).where(runs.c.batch == batch, runs.c.started_ms.is_not(None), runs.c.ended_ms.is_not(None))
    ranked = chosen.add_columns(sa.func.row_number().over(order_by=took).label("place")).subquery()
    with database.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(chosen.subquery())).scalar_one()
        if not count:
            return None
        places = {share: max(1, -int(-count * share // 1)) for share in SHARES}
        query = sa.select(ranked.c.place, ranked.c.took).where(ranked.c.place.in_(set(places.values())))
        found = {place: max(int(value), 0) for place, value in connection.execute(query)}
        percentiles = {f"p{share * 100:.0f}": found[place] for share, place in places.items()}
        width = _round(percentiles["p99"] / (BARS - 2) or 1)
        bar = sa.case((took >= width * BARS, BARS), else_=took // width).label("bar")
        query = chosen.with_only_columns(bar, sa.func.count()).group_by("bar")
        counted = {max(int(number), 0): many for number, many in connection.execute(query)}
    last = max((number for number in counted if number < BARS), default=0)
    bars = [counted.get(number, 0) for number in range(last + 1)]
    return Durations(percentiles, width, bars, counted.get(BARS, 0))


def throughput(database: sa.Engine, batch: str) -> Throughput | None:
    """When runs ended; None where none has."""
    ended = (runs.c.batch == batch, runs.c.ended_ms.is_not(None))
    with database.connect() as connection:
        span = sa.select(sa.func.min(runs.c.ended_ms), sa.func.max(runs.c.ended_ms)).where(*ended)
        first, last = connection.execute(span).one()
        if first is None:
            return None
        width = next((each for each in PERIODS if (last - first) // each < POINTS), (last - first) // POINTS + 1)
        start = first // width * width
        # grouped by their labels: an expression with parameters in it is not the same to PostgreSQL twice
        period, good = ((runs.c.ended_ms - start) // width).label("period"), (runs.c.status == "succeeded").label(
            "good"
        )
        query = sa.select(period, good, sa.func.count()).where(*ended).group_by("period", "good")
        counted = {(int(number), bool(fine)): many for number, fine, many in connection.execute(query)}
    numbers = range((last - start) // width + 1)
    good_ones, others = ([counted.get((number, fine), 0) for number in numbers] for fine in (True, False))
    return Throughput(start, width, good_ones, others)


def failures(database: sa.Engine, batch: str) -> Sequence[Failures]:
    """What failed, the most frequent first; at most so many kinds."""
    many = sa.func.count()
    query = sa.select(runs.c.failed_step, runs.c.error_code, many, sa.func.min(runs.c.error_message))
    query = query.where(runs.c.batch == batch, runs.c.status == "failed").group_by(
        runs.c.failed_step, runs.c.error_code
    )
    query = query.order_by(many.desc(), runs.c.error_code, runs.c.failed_step).limit(KINDS_OF_FAILURES)
    with database.connect() as connection:
        return [
            Failures(step, code or "", int(count), message or "")
            for step, code, count, message in connection.execute(query)
        ]


def _round(number: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    step = 1
    while step * 5 < number:
        step *= 10
    return next(each for each in (step, 2 * step, 5 * step) if each >= number)
