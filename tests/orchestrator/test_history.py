"""`mcp-orchestrator runs` and `batches`: what was run, and what may be done about it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator.conftest import PARCELS, Orchestrate

HERE = ("--server", "in-process")
ROWS = '{"number": 1, "place": "a"}\n{"number": 2, "place": "a", "how": "given up"}\n'


def said(orchestrate: Orchestrate, *words: str) -> Any:
    result = orchestrate(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_failed_runs_are_shown_and_go_on_with_the_step_that_failed_once_the_process_is_mended(
    orchestrate: Orchestrate,
) -> None:
    mine = Path("mine.py")
    shutil.copy(PARCELS, mine)
    Path("rows.jsonl").write_text(ROWS)
    batch = ("batch", str(mine), "--inputs", "rows.jsonl", "--key", "number", *HERE)
    assert orchestrate(*batch).exit_code == 1

    listed = said(orchestrate, "batches", "list")
    assert [(each["batch"], each["state"], each["runs"]) for each in listed] == [
        ("parcels-rows", "ended", {"succeeded": 1, "failed": 1})
    ]
    shown = said(orchestrate, "batches", "show", "parcels-rows")
    assert shown["failures"] == [{"code": "closed", "step": "parcel", "message": "no parcel today", "runs": 1}]
    [failed] = said(orchestrate, "runs", "list", "--status", "failed")
    assert (failed["run_id"], failed["row"], failed["error"]["code"]) == ("parcels-rows:2", 2, "closed")
    assert len(failed["ended_at"]) == len("2025-12-08T12:00:00.000Z")
    run = said(orchestrate, "runs", "show", "parcels-rows:2")
    assert [(step["key"], step["status"]) for step in run["steps"]] == [("parcel", "error")]
    assert "no parcel today (closed)" in orchestrate("runs", "show", "parcels-rows:2").stdout

    before = "lambda: parcels.find(order.number, order.how)"
    mine.write_text(mine.read_text("utf-8").replace(before, 'lambda: parcels.find(1, "well")'), "utf-8")
    assert said(orchestrate, "batches", "retry-failed", "parcels-rows")["put_back"] == ["parcels-rows:2"]
    assert [each["status"] for each in said(orchestrate, "runs", "list", "--status", "unfinished")] == ["queued"]
    mended = orchestrate(*batch, "--json")
    assert mended.exit_code == 0, mended.output
    assert json.loads(mended.stdout)["runs"] == {"succeeded": 2}
    assert said(orchestrate, "runs", "show", "parcels-rows:2")["status"] == "succeeded"


def test_queued_runs_are_cancelled_and_resumed(orchestrate: Orchestrate) -> None:
    rows = [json.dumps({"number": number, "place": "a", "how": "given up"}) for number in range(1, 120)]
    Path("rows.jsonl").write_text("\n".join(rows))
    batch = ("batch", PARCELS, "--inputs", "rows.jsonl", "--key", "number", "--concurrency", "2", *HERE)
    assert orchestrate(*batch, "--max-failures", "0").exit_code == 4
    waiting = [each["run_id"] for each in said(orchestrate, "runs", "list", "--status", "unfinished")][:2]
    assert said(orchestrate, "runs", "cancel", *waiting) == {"cancelled": waiting, "untouched": []}
    assert said(orchestrate, "runs", "show", waiting[0])["status"] == "cancelled"
    again = orchestrate("runs", "cancel", waiting[0])
    assert (again.exit_code, "its status does not allow it" in again.stdout) == (1, True)
    assert said(orchestrate, "runs", "resume", waiting[0])["put_back"] == [waiting[0]]
    assert said(orchestrate, "runs", "retry", waiting[1])["put_back"] == [waiting[1]]
    assert json.loads(orchestrate(*batch, "--json").stdout)["runs"] == {"failed": 119}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("runs", "list", "--database", "none.sqlite"), "there is no database 'none.sqlite'"),
        (("runs", "show", "x", "--database", "empty.sqlite"), "the database holds no runs yet"),
    ],
)
def test_where_there_is_nothing_it_is_told(orchestrate: Orchestrate, words: tuple[str, ...], message: str) -> None:
    Path("empty.sqlite").touch()
    result = orchestrate(*words)
    assert result.exit_code == 2
    assert message in result.stderr
