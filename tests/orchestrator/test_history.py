"""`mcp-orchestrator runs` and `batches`: what was run, and what may be done about it, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator import postgresql
from tests.orchestrator.conftest import PARCELS, ROOT, Orchestrate

HERE = ("--server", "in-process")
ROWS = '{"number": 1, "place": "a"}\n{"number": 2, "place": "a", "how": "given up"}\n'
BATCH = ("batch", PARCELS, "--inputs", "rows.jsonl", "--key", "number", *HERE)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the commands of a test keep their runs."""
    if request.param == "sqlite":
        yield "orchestrator.sqlite"
        return
    with postgresql.served() as url:
        monkeypatch.setenv("ORCHESTRATOR_DATABASE", url)
        yield url


def said(orchestrate: Orchestrate, *words: str) -> Any:
    result = orchestrate(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def ids(listed: list[dict[str, Any]]) -> list[str]:
    return [each["run_id"] for each in listed]


def rows(count: int, how: str = "well") -> None:
    lines = [json.dumps({"number": number, "place": "a", "how": how}) for number in range(1, count + 1)]
    Path("rows.jsonl").write_text("\n".join(lines))


def test_failed_runs_are_shown_and_go_on_with_the_step_that_failed_once_the_process_is_mended(
    orchestrate: Orchestrate, database: str
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
    told = orchestrate("runs", "show", "parcels-rows:2").stdout
    assert "no parcel today (closed)" in told
    assert "what to do: come back tomorrow" in told

    before = "lambda: parcels.find(order.number, order.how)"
    mine.write_text(mine.read_text("utf-8").replace(before, 'lambda: parcels.find(1, "well")'), "utf-8")
    assert said(orchestrate, "batches", "retry-failed", "parcels-rows")["put_back"] == ["parcels-rows:2"]
    assert [each["status"] for each in said(orchestrate, "runs", "list", "--status", "unfinished")] == ["queued"]
    mended = orchestrate(*batch, "--json")
    assert mended.exit_code == 0, mended.output
    assert json.loads(mended.stdout)["runs"] == {"succeeded": 2}
    assert said(orchestrate, "runs", "show", "parcels-rows:2")["status"] == "succeeded"


def test_queued_runs_are_cancelled_and_resumed(orchestrate: Orchestrate) -> None:
    rows(40, "given up")
    assert orchestrate(*BATCH, "--concurrency", "1", "--max-failures", "0").exit_code == 4
    waiting = ids(said(orchestrate, "runs", "list", "--status", "unfinished"))[:2]
    assert said(orchestrate, "runs", "cancel", *waiting) == {"cancelled": waiting, "untouched": []}
    assert said(orchestrate, "runs", "show", waiting[0])["status"] == "cancelled"
    again = orchestrate("runs", "cancel", waiting[0])
    assert (again.exit_code, "its status does not allow it" in again.stdout) == (1, True)
    assert said(orchestrate, "runs", "resume", waiting[0])["put_back"] == [waiting[0]]
    assert said(orchestrate, "runs", "retry", waiting[1])["put_back"] == [waiting[1]]
    assert json.loads(orchestrate(*BATCH, "--json").stdout)["runs"] == {"failed": 40}


def test_runs_are_listed_by_what_is_asked_for_page_by_page(orchestrate: Orchestrate, database: str) -> None:
    Path("rows.jsonl").write_text(ROWS)
    assert orchestrate(*BATCH).exit_code == 1
    assert orchestrate(*BATCH, "--batch", "other").exit_code == 1
    all_of_them = ids(said(orchestrate, "runs", "list"))
    assert sorted(all_of_them) == ["other:1", "other:2", "parcels-rows:1", "parcels-rows:2"]
    assert all_of_them[0].startswith("other:"), "the latest first"
    pages, last = list[str](), list[str]()
    for _ in range(4):
        pages += (page := ids(said(orchestrate, "runs", "list", "--limit", "1", *last)))
        last = ["--after", page[0]]
    assert pages == all_of_them
    assert said(orchestrate, "runs", "list", *last) == []
    for words, count in {
        ("--batch", "other"): 2,
        ("--batch", "other", "--after", "other:1"): 1,
        ("--error", "closed"): 2,
        ("--error", "open"): 0,
        ("--process", "parcels", "--since", "1h", "--status", "failed"): 2,
        ("--since", "2999-01-01"): 0,
        ("--process", "x' OR 'a"): 0,
    }.items():
        assert len(said(orchestrate, "runs", "list", *words)) == count, words
    assert orchestrate("runs", "list", "--error", "open").stdout == "no runs\n"
    assert orchestrate("runs", "list", "--since", "soon").exit_code == 2


def test_a_fork_is_a_run_of_its_own_that_keeps_what_was_done_before_its_step(
    orchestrate: Orchestrate, database: str
) -> None:
    mine = Path("mine.py")
    shutil.copy(PARCELS, mine)
    Path("rows.jsonl").write_text('{"number": 1, "place": "a", "then": "given up"}\n')
    batch = ("batch", str(mine), "--inputs", "rows.jsonl", "--key", "number", *HERE)
    assert orchestrate(*batch).exit_code == 0
    refused = orchestrate("runs", "fork-from-step", "parcels-rows:1", "\x1b[31mnone")
    assert refused.exit_code == 2
    assert "has not come to a step '\\x1b[31mnone'\n  it has: parcel, again" in refused.stderr
    fork = said(orchestrate, "runs", "fork-from-step", "parcels-rows:1", "again")
    assert fork == {"run_id": "parcels-rows:1.fork-1", "forked_from": "parcels-rows:1", "step": "again"}
    assert said(orchestrate, "runs", "show", fork["run_id"])["status"] == "queued"
    assert orchestrate("runs", "fork-from-step", fork["run_id"], "again").exit_code == 2, "it has not ended"
    source = mine.read_text("utf-8").replace(
        '"again", "Find Again", lambda: parcels.find(order.number, order.then)',
        '"again", "Find Again", lambda: parcels.find(7, "well")',
    )
    mine.write_text(source.replace('case "missing"', 'case "absent"'), "utf-8")
    assert orchestrate(*batch).exit_code == 0
    origin, forked = (said(orchestrate, "runs", "show", run_id) for run_id in ("parcels-rows:1", fork["run_id"]))
    assert [step["status"] for step in origin["steps"]] == ["success", "error", "skipped"], "it stays as it is"
    assert [step["status"] for step in forked["steps"]] == ["success", "success", "skipped"]
    assert forked["steps"][0]["timestamp"] == origin["steps"][0]["timestamp"], "it was not done again"
    assert (forked["input"], forked["forked_from"], forked["row"]) == (origin["input"], "parcels-rows:1", 1)
    assert said(orchestrate, "runs", "fork-from-step", "parcels-rows:1", "parcel")["run_id"].endswith(".fork-2")


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", *words]
    options: dict[str, Any] = {"env": os.environ | {"PYTHONPATH": str(ROOT)}, "text": True}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # noqa: S603 - ours


def test_a_batch_that_is_paused_while_it_runs_stays_paused_until_it_is_resumed(
    orchestrate: Orchestrate, database: str
) -> None:
    slow = Path(PARCELS).read_text("utf-8").replace("asyncio.sleep(0)", "asyncio.sleep(0.2)")
    Path("slow.py").write_text(slow, "utf-8")
    rows(40)
    batch = ("batch", "slow.py", *BATCH[2:])
    with started(*batch, "--concurrency", "1", "--json") as running:
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline
            assert running.poll() is None, running.communicate()
            listed = orchestrate("batches", "show", "parcels-rows", "--json")
            if listed.exit_code == 0 and json.loads(listed.stdout)["runs"].get("succeeded"):
                break
            time.sleep(0.1)
        paused = said(orchestrate, "batches", "pause", "parcels-rows")
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 4, stderr
    assert json.loads(stdout)["this_time"]["stop"] == "paused"
    counts = json.loads(stdout)["runs"]
    assert counts["unfinished"] == paused["held"] > 20
    assert {each["status"] for each in said(orchestrate, "runs", "list", "--status", "unfinished")} == {"held"}
    refused = orchestrate(*batch)
    assert refused.exit_code == 2
    assert "the batch parcels-rows is paused, and stays so\n  mcp-orchestrator batches resume" in refused.stderr
    held = ids(said(orchestrate, "runs", "list", "--status", "unfinished"))
    assert said(orchestrate, "batches", "pause", "parcels-rows")["held"] == paused["held"], "again, nothing changes"

    cancelled = said(orchestrate, "batches", "cancel", "parcels-rows")
    assert cancelled == {"batch": "parcels-rows", "state": "cancelled", "cancelled": paused["held"]}
    assert orchestrate("batches", "pause", "parcels-rows").exit_code == 2
    assert orchestrate(*batch).exit_code == 2
    assert said(orchestrate, "runs", "resume", held[0])["put_back"] == [held[0]]
    assert said(orchestrate, "runs", "show", held[0])["status"] == "held", "it waits for its batch"
    resumed = said(orchestrate, "batches", "resume", "parcels-rows")
    assert resumed == {"batch": "parcels-rows", "state": "stopped", "put_back": paused["held"]}
    assert orchestrate("batches", "resume", "parcels-rows").exit_code == 2
    finished = orchestrate(*batch, "--concurrency", "100", "--json")
    assert finished.exit_code == 0, finished.output
    assert json.loads(finished.stdout)["runs"] == {"succeeded": 40}
    assert said(orchestrate, "batches", "show", "parcels-rows")["state"] == "ended"


def test_old_runs_are_removed_and_runs_that_have_not_ended_never_are(orchestrate: Orchestrate, database: str) -> None:
    rows(40, "given up")
    assert orchestrate(*BATCH, "--concurrency", "1", "--max-failures", "0").exit_code == 4
    held = said(orchestrate, "batches", "pause", "parcels-rows")["held"]
    Path("rows.jsonl").write_text(ROWS)
    assert orchestrate(*BATCH, "--batch", "other").exit_code == 1
    counts = said(orchestrate, "batches", "show", "parcels-rows")["runs"]
    assert said(orchestrate, "prune", "--older-than", "1h")["runs"] == 0
    assert said(orchestrate, "prune", "--older-than", "0s", "--dry-run")["runs"] == counts["failed"] + 2
    assert said(orchestrate, "prune", "--older-than", "0s", "--batch", "other") | {"before": ""} == {
        **{"runs": 2, "batches": 1, "before": "", "dry_run": False, "vacuumed": False, "interrupted": False}
    }
    assert said(orchestrate, "prune", "--older-than", "0s", "--vacuum")["runs"] == counts["failed"]
    listed = said(orchestrate, "runs", "list", "--limit", "100")
    assert len(listed) == counts["unfinished"] == held
    assert orchestrate("runs", "show", "other:1").exit_code == 2
    assert said(orchestrate, "batches", "resume", "parcels-rows")["put_back"] == held
    rows(40)
    again = orchestrate(*BATCH, "--json")
    assert json.loads(again.stdout)["runs"] == {
        "succeeded": counts["failed"],
        "failed": counts["unfinished"],
    }, "a row whose run was removed is run again, the others are not"


def test_a_kill_in_the_middle_of_a_removal_leaves_nothing_half_removed(orchestrate: Orchestrate, database: str) -> None:
    rows(30)
    assert orchestrate(*BATCH, "--concurrency", "100").exit_code == 0
    killing = (
        "import os\nfrom mcp_codegen.orchestrator import cli\nfrom mcp_codegen.orchestrator.durable import pruning\n"
        "pruning.CHUNK, taken, forget = 10, [], pruning._forget\n"
        "def half(database, history):\n"
        "    taken.append(1)\n"
        "    os._exit(9) if len(taken) == 3 else forget(database, history)\n"
        "pruning._forget = half\ncli.main(['prune', '--older-than', '0s'])\n"
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", killing], env=environ, check=False).returncode == 9  # noqa: S603
    left = ids(said(orchestrate, "runs", "list"))
    assert len(left) == 10
    assert said(orchestrate, "prune", "--older-than", "0s") | {"before": ""} == {
        **{"runs": 10, "batches": 1, "before": "", "dry_run": False, "vacuumed": False, "interrupted": False}
    }
    from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - beside its use
    from mcp_codegen.orchestrator.durable import tables, transact  # noqa: PLC0415 - the same

    kept = databases.connect(database)
    with kept.connect() as connection:
        assert connection.execute(tables.removals.select()).all() == []
    with transact.history(kept) as history:
        assert history is not None
        assert history.records([f"parcels-rows:{number}" for number in range(1, 31)]) == {}
    kept.dispose()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("runs", "list", "--database", "none.sqlite"), "there is no database 'none.sqlite'"),
        (("runs", "show", "x", "--database", "empty.sqlite"), "the database holds no runs yet"),
        (("prune", "--older-than", "month"), "give a number and s, m, h, d or w, such as 30d"),
        (("prune", "--older-than", "999999w", "--database", "empty.sqlite"), "the database holds no runs yet"),
    ],
)
def test_where_there_is_nothing_it_is_told(orchestrate: Orchestrate, words: tuple[str, ...], message: str) -> None:
    Path("empty.sqlite").touch()
    result = orchestrate(*words)
    assert result.exit_code == 2
    assert message in result.stderr
