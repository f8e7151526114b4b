"""`mcp-orchestrator run` on a process whose steps go as its input says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestrator.conftest import PARCELS, ROOT, Orchestrate

GOOD = ("--input", "number=42", "--input", "place=home")
RULE = "=" * 80


def results(path: Path = Path("orchestrator_results.json")) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def started(folder: Path, *words: str, encoding: str = "utf-8") -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "mcp_codegen.orchestrator", "run", PARCELS, *words],
        cwd=folder,
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=encoding,
    )


def test_a_process_that_succeeds_prints_its_summary_and_exits_with_0(orchestrate: Orchestrate) -> None:
    result = orchestrate("run", PARCELS, *GOOD)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        RULE,
        "PROCESS ORCHESTRATION SUMMARY",
        RULE,
        "",
        "Parcel:",
        "  Number: 42",
        "  Place: a child",
        "",
        "Execution Log:",
        "  [✓] Step 1: Find Parcel",
        "  [✓] Step 2: Find Again",
        "  [–] Step 3: Return Parcel — it is where it should be",  # noqa: RUF001 - a dash
        "",
        "✓ Results saved to: orchestrator_results.json",
        RULE,
    ]


def test_progress_goes_to_standard_error_one_plain_line_for_each_step(orchestrate: Orchestrate) -> None:
    lines = orchestrate("run", PARCELS, *GOOD).stderr.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [
        "[✓] Step 1: Find Parcel",
        "[✓] Step 2: Find Again",
        "[–] Step 3: Return Parcel — it is where it should be",  # noqa: RUF001 - a dash
    ]


def test_the_results_file_holds_the_run_its_output_its_results_and_its_log(orchestrate: Orchestrate) -> None:
    orchestrate("run", PARCELS, *GOOD, "--results", "runs/today/r.json")
    saved = results(Path("runs/today/r.json"))
    assert list(saved) == [
        *("process", "title", "run_id", "status", "started_at", "finished_at", "duration", "input"),
        *("error", "failed_step", "parcel", "results", "execution_log"),
    ]
    assert saved["status"] == "succeeded"
    assert saved["parcel"] == {"number": 42, "place": "a child"}
    assert saved["results"] == {"parcel": saved["parcel"], "again": saved["parcel"], "return": None}
    log = saved["execution_log"]
    assert isinstance(log, list)
    assert [(entry["step"], entry["key"], entry["status"]) for entry in log] == [
        (1, "parcel", "success"),
        (2, "again", "success"),
        (3, "return", "skipped"),
    ]
    assert log[0]["timestamp"].endswith("Z")
    assert len(log[0]["timestamp"]) == len("2025-12-08T12:00:00.000Z")
    assert log[0]["duration"] >= 0
    assert log[0]["data"] == saved["parcel"]
    assert not any(Path("runs/today").glob(".*")), "nothing but the results is left"


def test_a_failed_step_fails_the_run_and_its_results_are_saved(orchestrate: Orchestrate) -> None:
    result = orchestrate("run", PARCELS, *GOOD, "--input", "how=given up")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[4:] == [
        "Execution Log:",
        "  [✗] Step 1: Find Parcel — no parcel today (closed)",
        "",
        "✗ The process failed at step 1: no parcel today (closed)",
        "  come back tomorrow",
        "✓ Results saved to: orchestrator_results.json",
        RULE,
    ]
    saved = results()
    error = {"code": "closed", "message": "no parcel today", "hint": "come back tomorrow", "status": None, "detail": ""}
    assert (saved["status"], saved["error"], saved["failed_step"]) == ("failed", error, 1)
    assert saved["parcel"] is None, "what was published before the failure"
    assert saved["results"] == {"parcel": None}


def test_a_failed_step_that_may_fail_is_recorded_and_the_process_goes_on(orchestrate: Orchestrate) -> None:
    result = orchestrate("run", PARCELS, *GOOD, "--input", "then=missing")
    assert result.exit_code == 0
    assert "  [✗] Step 2: Find Again — there is no\\x1b[31m parcel\\u202e here (not_found)\n" in result.stdout
    saved = results()
    assert saved["status"] == "succeeded"
    assert isinstance(saved["execution_log"], list)
    assert saved["execution_log"][1]["error"] == {
        "code": "not_found",
        "message": "there is no\x1b[31m parcel\u202e here",
        "hint": "check the parcel's number",
        "status": 404,
        "detail": "",
    }


def test_an_unexpected_error_tells_its_type_and_place_and_never_its_text(orchestrate: Orchestrate) -> None:
    result = orchestrate("run", PARCELS, *GOOD, "--input", "how=broken")
    assert result.exit_code == 1
    assert "ValueError at parcels.py:" in result.stdout
    assert "(unexpected)" in result.stdout
    assert "s3cret" not in result.output + Path("orchestrator_results.json").read_text()
    assert "Traceback" not in result.output


def test_the_whole_of_an_unexpected_error_is_shown_on_request(tmp_path: Path) -> None:
    with started(tmp_path, *GOOD, "--input", "how=broken", "--debug") as running:
        stdout, stderr = running.communicate(timeout=60)
    assert "ValueError: key=s3cret" in stderr
    assert "s3cret" not in stdout + (tmp_path / "orchestrator_results.json").read_text()


def test_with_json_the_results_are_printed_and_nothing_else(orchestrate: Orchestrate) -> None:
    result = orchestrate("run", PARCELS, *GOOD, "--json")
    assert json.loads(result.stdout) == results()


@pytest.mark.parametrize(
    ("server", "place"),
    [("stdio", "a child"), ("in-process", "here"), ("http://127.0.0.1:1/mcp", "http://127.0.0.1:1/mcp")],
)
def test_the_server_is_a_child_process_this_process_or_a_url(orchestrate: Orchestrate, server: str, place: str) -> None:
    assert f"  Place: {place}\n" in orchestrate("run", PARCELS, *GOOD, "--server", server).stdout


def test_a_server_at_a_url_and_no_other_is_shown_the_token_of_the_environment(
    orchestrate: Orchestrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_TOKEN", "s3cret-t0ken\n")
    shown = orchestrate("run", PARCELS, *GOOD, "--server", "http://127.0.0.1:1/mcp").output
    assert "http://127.0.0.1:1/mcp, with a token of 12 characters\n" in shown
    assert "s3cret" not in shown
    assert "Place: here\n" in orchestrate("run", PARCELS, *GOOD, "--server", "in-process").output


@pytest.mark.parametrize(
    ("server", "code", "status"),
    [("http://127.0.0.1:1/down", "connection_failed", None), ("http://127.0.0.1:1/forbidden", "not_found", 401)],
)
def test_a_server_that_cannot_be_reached_fails_the_run_before_its_first_step(
    orchestrate: Orchestrate, server: str, code: str, status: int | None
) -> None:
    result = orchestrate("run", PARCELS, *GOOD, "--server", server)
    assert result.exit_code == 1
    assert f"({code})\n" in result.stdout
    saved = results()
    assert saved["execution_log"] == []
    assert isinstance(saved["error"], dict)
    assert (saved["error"]["code"], saved["error"]["status"]) == (code, status)
    assert "s3cret" not in result.output + json.dumps(saved)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_terminal_without_the_marks_gets_plain_ones(tmp_path: Path, encoding: str) -> None:
    with started(tmp_path, *GOOD, "--input", "then=missing", encoding=encoding) as running:
        stdout, stderr = running.communicate(timeout=60)
    assert "  [+] Step 1: Find Parcel\n  [x] Step 2: Find Again - there" in stdout
    assert "[-] Step 3: Return Parcel - it is" in stderr
    assert running.returncode == 0


def test_a_run_goes_on_when_nobody_reads_its_progress(tmp_path: Path) -> None:
    with started(tmp_path, *GOOD) as running:
        assert running.stderr is not None
        running.stderr.close()
        assert running.wait(timeout=60) == 0
    assert results(tmp_path / "orchestrator_results.json")["status"] == "succeeded"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_is_recorded_as_cancelled(tmp_path: Path, number: int, code: int) -> None:
    with started(tmp_path, *GOOD, "--input", "then=stuck") as running:
        assert running.stderr is not None
        while "stuck" not in running.stderr.readline():
            assert running.poll() is None
        running.send_signal(number)
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == code, stderr
    assert "✗ The process was cancelled\n✓ Results saved to: orchestrator_results.json\n" in stdout
    saved = results(tmp_path / "orchestrator_results.json")
    assert saved["status"] == "cancelled"
    assert isinstance(saved["execution_log"], list)
    assert [entry["status"] for entry in saved["execution_log"]] == ["success", "error"]
    assert saved["execution_log"][1]["error"]["code"] == "cancelled"
    assert saved["results"] == {"parcel": {"number": 42, "place": "a child"}, "again": None}
    assert "Traceback" not in stderr
