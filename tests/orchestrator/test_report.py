"""The report of a batch: figures that add up, and a page that nothing in it can break or make ask the network."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen.orchestrator.durable.figures import Durations, Throughput, Totals
from mcp_codegen.orchestrator.durable.reporting import page
from mcp_codegen.orchestrator.durable.reporting.making import KindOfFailure, Report
from mcp_codegen.orchestrator.durable.reporting.numbers import Numbers
from mcp_codegen.orchestrator.durable.summing import LISTED_FAILURES, Sums
from mcp_codegen.orchestrator.record import ErrorRecord, RunRecord, StepRecord, now
from tests.orchestrator import postgresql
from tests.orchestrator.conftest import PROCESSES, Orchestrate

TILL = str(PROCESSES / "till.py")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\u202e"
BIG = "12345678901234567890.01"
SALES = [
    {"amount": "0.1", "currency": "EUR", "label": "a"},
    {"amount": "0.2", "currency": "EUR", "label": "a"},
    {"amount": BIG, "currency": "EUR", "label": "a"},
    {"amount": "7", "currency": "CLP", "label": HOSTILE},
    {"amount": "5", "currency": "CLP", "label": HOSTILE, "refused": True},
    {"amount": "1", "currency": "CLP", "label": "uncountable"},
]


@pytest.fixture
def sold(orchestrate: Orchestrate, request: pytest.FixtureRequest) -> Iterator[Orchestrate]:
    """A batch of sales, one refused, one that the process cannot count, and one row that is none."""
    Path("sales.jsonl").write_text("".join(json.dumps(sale) + "\n" for sale in [*SALES, {"amount": "x"}]))
    with postgresql.served() if getattr(request, "param", "") == "postgresql" else nullcontext("till.sqlite") as place:
        environ = {"ORCHESTRATOR_DATABASE": place}
        result = orchestrate("batch", TILL, "--inputs", "sales.jsonl", "--server", "in-process", env=environ)
        assert result.exit_code == 1, result.output
        assert "till-sales.report.html" in result.stdout
        yield functools.partial(orchestrate, env=environ)


def figures(file: str = "till-sales.report.json") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(Path(file).read_text("utf-8"))
    return told


@pytest.mark.parametrize("sold", ["sqlite", "postgresql"], indirect=True)
def test_a_batch_ends_with_a_report_whose_figures_add_up_exactly_and_by_currency(sold: Orchestrate) -> None:
    told = figures()
    assert told["totals"]["outcomes"] == {"succeeded": 5, "failed": 1}
    assert told["rejected"] == 1
    assert [(each["currency"], each["group"], each["count"], each["total"]) for each in told["amounts"]] == [
        ("CLP", HOSTILE, 2, "12"),
        ("EUR", "a", 3, "12345678901234567890.31"),
    ]
    assert told["unmeasured_runs"] == 1, "what cannot be counted is told"
    assert sum(told["durations"]["bars"]) + told["durations"]["longer"] == 6
    assert sum(told["throughput"]["succeeded"]) == 5
    assert sum(told["throughput"]["others"]) == 1
    [kind] = told["kinds_of_failures"]
    assert (kind["step"], kind["code"], kind["runs"]) == ("pay_…", "refused", 1)
    assert kind["hint"] == f"pay {HOSTILE} in cash"
    assert [step["outcomes"] for step in told["steps"]] == [{"success": 5, "error": 1}]


def test_the_page_escapes_what_processes_say_and_names_nothing_on_the_network(sold: Orchestrate) -> None:
    text = Path("till-sales.report.html").read_text("utf-8")
    assert text.count("<script") == 3, "the figures and two scripts of ours"
    assert "<img" not in text
    assert "<b>bold" not in text
    assert "\u202e" not in text, "marks that turn the direction of writing are written out"
    assert "{{ 7*7 }}" in text, "a text is no template"
    assert re.findall(r'\b(?:src|href)="([^"]*)"', text.partition("<script>")[0]) == ["data:,"]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]


def test_a_browser_draws_the_charts_without_a_complaint(sold: Orchestrate, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no chromium or google-chrome on the path")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    place = Path("till-sales.report.html").resolve().as_uri()
    shown = subprocess.run(  # noqa: S603 - a browser of this machine, over our page
        [*command, f"--user-data-dir={tmp_path / 'profile'}", place], capture_output=True, text=True, check=True
    )
    assert "CONSOLE" not in shown.stderr
    assert shown.stdout.count("<canvas") == 2
    assert "alert(1)" in shown.stdout, "the label is there, as a text"


def test_a_report_is_made_at_any_time_in_the_language_and_the_folder_that_are_asked_for(sold: Orchestrate) -> None:
    before = Path("till-sales.jsonl").read_text("utf-8")
    result = sold("report", "till-sales", "--out", "reports/today", "--language", "es")
    assert result.exit_code == 0, result.output
    folder = Path("reports/today")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("till-sales.csv", "till-sales.jsonl", "till-sales.report.html", "till-sales.report.json")
    ]
    text = (folder / "till-sales.report.html").read_text("utf-8")
    assert '<html lang="es">' in text
    assert "12.345.678.901.234.567.890,31" in text
    assert (folder / "till-sales.jsonl").read_text("utf-8") == before
    assert Path("till-sales.csv").read_text() == (folder / "till-sales.csv").read_text()
    assert ((folder / "till-sales.report.html").stat().st_mode & 0o077) == 0, "it may hold personal data"


def test_there_is_no_report_of_what_is_not_there(sold: Orchestrate) -> None:
    result = sold("report", "../nothing")
    assert result.exit_code == 2
    assert "there is no batch '../nothing'" in result.stderr


def failed(number: int) -> RunRecord:
    error = ErrorRecord(code=f"code_{number}", message="m", hint="h")
    step = StepRecord(timestamp=now(), step=1, key="a", title=f"A {number}", status="error", error=error)
    return RunRecord(
        process="p",
        title="P",
        run_id=f"b:{number}",
        status="failed",
        started_at=now(),
        finished_at=now(),
        duration=1.0,
        input={},
        error=error,
        failed_step=1,
        steps=(step,),
    )


def test_what_is_held_and_shown_does_not_grow_with_the_batch() -> None:
    sums = Sums()
    for number in range(2 * LISTED_FAILURES):
        sums.take(number, failed(number))
    assert (sums.failed, len(sums.failures)) == (2 * LISTED_FAILURES, LISTED_FAILURES)
    assert len(sums.hints) + len(sums.steps["a"].errors) < LISTED_FAILURES
    report = Report(
        batch="b",
        process="p",
        title="P",
        source="b.csv",
        mock=True,
        made_at=0,
        rejected=0,
        totals=Totals({"failed": sums.failed, "unfinished": 1}, 0, 0, 1000),
        durations=Durations({"p50": 1, "p95": 1, "p100": 1}, 1, [1], 2),
        throughput=Throughput(0, 1000, [1], [0]),
        amounts=[],
        uncounted_amounts=3,
        unmeasured_runs=0,
        steps=list(sums.steps.values()),
        kinds_of_failures=[KindOfFailure("", "c", 1, "m", "")],
        failed=sums.failed,
        failures=sums.failures,
    )
    text = page.render(report, "en")
    assert text.count("<tr>") < LISTED_FAILURES + 20
    assert "500 of 1,000 are shown; all are in the CSV file." in text
    assert "Run against a stand-in" in text
    assert "The batch has not ended" in text


def test_numbers_are_written_as_people_of_the_language_write_them() -> None:
    english, spanish = Numbers("en"), Numbers("es")
    assert [english.duration(each) for each in (0, 999, 2_410, 200_000, 7_260_000, 90_000_000)] == [
        *("0 ms", "999 ms", "2.41 s", "3 min 20 s", "2 h 1 min", "1 d 1 h")
    ]
    assert spanish.duration(2_410) == "2,41 s"
    assert [english.share(*each) for each in ((0, 5), (1, 100_000), (1, 3), (99_999, 100_000), (5, 5), (0, 0))] == [
        *("0 %", "<0.1 %", "33.3 %", ">99.9 %", "100 %", "0 %")
    ]
