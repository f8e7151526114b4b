"""What rules look at, as it is in the database now. Texts name processes, steps, batches and codes alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.alerting.rules import (
    CIRCUIT_OPEN,
    BatchStalled,
    CircuitOpen,
    ConsecutiveFailures,
    Failure,
    FailureRate,
    Latency,
    Rule,
)
from mcp_codegen.orchestrator.durable import streaks
from mcp_codegen.orchestrator.durable.tables import batches, runs


@dataclass(frozen=True, slots=True)
class Found:
    """How something stands that a rule is about. What a rule finds nothing of is over."""

    subject: str
    bad: bool
    """From then on it is an alert."""
    over: bool
    """From then on it is none any more; in between it stays what it was."""
    text: str


def look(database: sa.Engine, rule: Rule, now_ms: int) -> list[Found]:
    """Everything that a rule is about."""
    match rule:
        case FailureRate():
            return list(_failure_rate(database, rule, now_ms))
        case ConsecutiveFailures():
            return list(_consecutive(database, rule))
        case Failure():
            return list(_failures(database, rule, now_ms))
        case CircuitOpen():
            return list(_circuits(database, rule, now_ms))
        case BatchStalled():
            return list(_stalled(database, rule, now_ms))
        case Latency():
            return list(_latency(database, rule, now_ms))


def _failure_rate(database: sa.Engine, rule: FailureRate, now_ms: int) -> Iterator[Found]:
    failed = sa.func.sum(sa.case((runs.c.status == "failed", 1), else_=0))
    query = sa.select(runs.c.process, sa.func.count(), failed).where(*_ended(rule, rule.window, now_ms))
    until = rule.above / 2 if rule.until is None else rule.until
    for process, many, wrong in _rows(database, query.group_by(runs.c.process)):
        if many >= rule.least:
            share = float(wrong) / many
            text = f"{process}: {share:.0%} of {many} runs failed in {_words(rule.window)} (more than {rule.above:.0%})"
            yield Found(process, share > rule.above, share <= until, text)


def _consecutive(database: sa.Engine, rule: ConsecutiveFailures) -> Iterator[Found]:
    for row in streaks.every(database):
        if rule.process in (None, row.process) and rule.step in (None, row.step):
            text = (
                f"{row.process}: the step {row.step} failed {row.in_a_row} times in a row, last with {row.error_code}"
            )
            yield Found(f"{row.process}/{row.step}", row.in_a_row >= rule.count, row.in_a_row == 0, text)


def _failures(database: sa.Engine, rule: Failure, now_ms: int) -> Iterator[Found]:
    query = sa.select(runs.c.process, runs.c.error_code, sa.func.count(), sa.func.max(runs.c.run_id))
    query = query.where(*_ended(rule, rule.window, now_ms), runs.c.status == "failed")
    if rule.codes:
        query = query.where(runs.c.error_code.in_(rule.codes))
    for process, code, many, run_id in _rows(database, query.group_by(runs.c.process, runs.c.error_code)):
        text = f"{process}: {many} runs failed with {code} in {_words(rule.window)}, such as {run_id}"
        yield Found(f"{process}/{code}", True, False, text)


def _circuits(database: sa.Engine, rule: CircuitOpen, now_ms: int) -> Iterator[Found]:
    for row in streaks.every(database):
        if rule.process in (None, row.process) and row.error_code in CIRCUIT_OPEN:
            recent = row.failed_ms > now_ms - _ms(rule.window)
            text = f"{row.process}: the step {row.step} is not called, its API is left alone because it fails"
            yield Found(f"{row.process}/{row.step}", row.in_a_row > 0 and recent, row.in_a_row == 0 or not recent, text)


def _stalled(database: sa.Engine, rule: BatchStalled, now_ms: int) -> Iterator[Found]:
    left = sa.func.sum(sa.case((runs.c.status.is_(None), 1), else_=0))
    query = sa.select(batches.c.batch, batches.c.created_ms, sa.func.max(runs.c.ended_ms), left)
    query = query.join(runs, runs.c.batch == batches.c.batch).where(batches.c.state.in_(("running", "submitted")))
    query = query.where(batches.c.process == rule.process) if rule.process is not None else query
    for batch, created_ms, ended_ms, many in _rows(database, query.group_by(batches.c.batch, batches.c.created_ms)):
        idle = now_ms - max(created_ms, ended_ms or 0)
        stalled = many > 0 and idle > _ms(rule.after)
        text = f"batch {batch}: none of its {many} open runs has ended for {_words(timedelta(milliseconds=idle))}"
        yield Found(batch, stalled, not stalled, text)


def _latency(database: sa.Engine, rule: Latency, now_ms: int) -> Iterator[Found]:
    seconds = (runs.c.ended_ms - runs.c.started_ms).label("took")
    ended = (*_ended(rule, rule.window, now_ms), runs.c.started_ms.is_not(None), runs.c.status == "succeeded")
    until = rule.above * 0.8 if rule.until is None else rule.until
    counted = sa.select(runs.c.process, sa.func.count()).where(*ended).group_by(runs.c.process)
    for process, many in _rows(database, counted):
        if many >= rule.least:
            place = min(many - 1, int(many * rule.quantile))
            query = sa.select(seconds).where(*ended, runs.c.process == process).order_by(seconds).offset(place).limit(1)
            took = int(next(iter(_rows(database, query)))[0])
            said = f"{took / 1000:.1f} s at the quantile {rule.quantile:g} of {many} runs in {_words(rule.window)}"
            text = f"{process}: {said} (more than {_words(rule.above)})"
            yield Found(process, took > _ms(rule.above), took <= _ms(until), text)


def _ended(rule: Rule, window: timedelta, now_ms: int) -> list[sa.ColumnElement[bool]]:
    """Of the rule's process, and ended within the window."""
    conditions = [runs.c.ended_ms > now_ms - _ms(window), runs.c.status.is_not(None)]
    return [*conditions, runs.c.process == rule.process] if rule.process is not None else conditions


def _rows(database: sa.Engine, query: sa.Select[Any]) -> list[Any]:
    with database.connect() as connection:
        return list(connection.execute(query))


def _words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"  # noqa: PLR2004 - two minutes


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
