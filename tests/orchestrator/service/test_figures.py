"""The numbers behind the charts, on both kinds of databases; and the pictures of runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mcp_codegen.orchestrator.durable import database, ledger
from mcp_codegen.orchestrator.durable.tables import runs
from mcp_codegen.orchestrator.service.dashboard import figures, timeline
from tests.orchestrator import postgresql

NOW = 1_800_000_000_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database with a minute's runs: nine that succeeded within 150 ms, one that failed, two that wait."""
    with postgresql.served() if request.param == "postgresql" else nullcontext(str(tmp_path / "runs.sqlite")) as url:
        engine = database.connect(url)
        ledger.prepare(engine)
        rows: list[dict[str, Any]] = [
            {
                "run_id": f"run-{number}",
                "created_ms": NOW - 40_000,
                "started_ms": NOW - 30_000 if number < 10 else None,
                "ended_ms": NOW - 30_000 + 150 if number < 10 else None,
                "status": ("failed" if number == 9 else "succeeded") if number < 10 else None,
                "error_code": "closed" if number == 9 else None,
                "process": "letters",
                "queue": "letters",
            }
            for number in range(12)
        ]
        with engine.begin() as connection:
            connection.execute(sa.insert(runs), rows)
        yield engine
        engine.dispose()


def test_the_figures_of_a_window_are_those_of_its_runs(kept: sa.Engine) -> None:
    window = figures.WINDOWS["15m"]
    totals = figures.totals(kept, window, NOW)
    assert (totals.ended, totals.failed, totals.share, totals.backlog) == (10, 1, 0.9, 2)
    assert totals.slow is not None
    assert 0.1 <= totals.slow <= 0.2
    points = figures.figures(kept, window, NOW)
    assert {len(values) for values in (points.times, points.succeeded, points.share, points.backlog)} == {60}
    assert (sum(points.succeeded) / 4, sum(points.failed) / 4) == (9, 1)
    assert [share for share in points.share if share is not None] == [90]
    assert (points.backlog[0], max(points.backlog), points.backlog[-1]) == (0, 12, 2)
    assert figures.recent_failures(kept, "letters", NOW - 60_000) == [("closed", None, None, 1, NOW - 29_850)]


def test_attempts_and_waits_of_a_step_are_parts_of_one_bar() -> None:
    def moment(seconds: float) -> str:
        return (BEGAN + timedelta(seconds=seconds)).isoformat()

    attempt = {"started_at": moment(2), "duration": 1.0, "wait": 2.0, "error": {"message": "busy"}}
    steps: list[dict[str, Any]] = [
        {"timestamp": moment(0), "duration": 2.0, "status": "success", "error": None, "retried": []},
        {"timestamp": moment(2), "duration": 8.0, "status": "error", "error": {"message": "no"}, "retried": [attempt]},
    ]
    drawn = timeline.draw(steps, BEGAN + timedelta(seconds=10))
    assert [(part.kind, part.left, part.width) for part in drawn.bars[1].segments] == [
        ("retried", 20, 10),
        ("wait", 30, 20),
        ("error", 50, 50),
    ]
    assert [second for _, second in drawn.ticks] == [0, 2, 4, 6, 8, 10]
    assert timeline.draw([], None).bars == ()
