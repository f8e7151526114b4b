"""Makes the report of a batch: results as JSONL and CSV, what they come to as a page and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from pydantic_core import to_json

from mcp_codegen.orchestrator.durable import batch_ledger, exporting, figures, ledger, transact
from mcp_codegen.orchestrator.durable.reporting import page
from mcp_codegen.orchestrator.durable.summing import Amount, Failure, Step, Sums, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is told of a batch; times are in milliseconds since 1970, durations of steps in seconds."""

    batch: str
    process: str
    title: str
    source: str
    mock: bool
    made_at: int
    rejected: int
    totals: figures.Totals
    durations: figures.Durations | None
    throughput: figures.Throughput | None
    amounts: list[Amount]
    uncounted_amounts: int
    unmeasured_runs: int
    steps: list[Step]
    kinds_of_failures: list[KindOfFailure]
    failed: int
    failures: list[Failure]


@dataclass(frozen=True, slots=True)
class KindOfFailure:
    """Runs that failed at the same step with the same code, and the remedy."""

    step: str
    code: str
    runs: int
    message: str
    hint: str


def make(
    database: sa.Engine,
    history: transact.History,
    batch: str,
    stem: Path,
    *,
    language: page.Language = "en",
    show_personal: bool = False,
) -> list[Path]:
    """Write STEM.jsonl, STEM.csv, STEM.report.json and STEM.report.html. Raises ResultsError.

    Personal data is masked unless it is asked for.
    """
    sums = Sums()
    files = exporting.results(database, history, batch, stem, sums.take, show_personal=show_personal)
    report = collect(database, batch, sums)
    for suffix, text in (
        (".report.json", to_json(report, indent=2, inf_nan_mode="null").decode() + "\n"),
        (".report.html", page.render(report, language)),
    ):
        files.append(exporting.with_suffix(stem, suffix))
        with exporting.replacing(files[-1]) as file:
            file.write(text)
    return files


def collect(database: sa.Engine, batch: str, sums: Sums) -> Report:
    """What the database counts, and what the records came to."""
    [row] = batch_ledger.find(database, batch)
    return Report(
        batch=batch,
        process=row.process,
        title=sums.title or row.process,
        source=Path(row.source).name,
        mock=row.mock,
        made_at=ledger.milliseconds(),
        rejected=row.rejected,
        totals=figures.totals(database, batch),
        durations=figures.durations(database, batch),
        throughput=figures.throughput(database, batch),
        amounts=sorted(sums.amounts.values(), key=lambda each: (each.currency, each.name, -each.total, each.group)),
        uncounted_amounts=sums.uncounted,
        unmeasured_runs=sums.unmeasured,
        steps=list(sums.steps.values()),
        kinds_of_failures=_kinds(figures.failures(database, batch), sums),
        failed=sums.failed,
        failures=sums.failures,
    )


def _kinds(failures: Iterable[figures.Failures], sums: Sums) -> list[KindOfFailure]:
    """Failures of numbered steps with the same code are of one kind."""
    found: dict[tuple[str, str], KindOfFailure] = {}
    for each in failures:
        key = kind(each.step or ""), each.code
        before = found.get(key)
        runs = each.runs + (before.runs if before else 0)
        found[key] = KindOfFailure(*key, runs, before.message if before else each.message, sums.hints.get(key, ""))
    return sorted(found.values(), key=lambda each: -each.runs)
