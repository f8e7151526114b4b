"""Processes that do what no process should: the run ends, is told, and its results are saved."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator.conftest import ROOT, Orchestrate

FRAME = """
import asyncio, os, sys
from pydantic import BaseModel
from mcp_codegen.orchestrator import Process, Run
from telefonica_mcp.client import TelefonicaClient

class Given(BaseModel):
    a: int = 1

class Output(BaseModel):
    x: object = None

{body}

process = Process(
    name="unruly", title="Unruly", client=TelefonicaClient, input=Given, output=Output, body=run_it
)
"""


def written(folder: Path, body: str) -> str:
    file = folder / "unruly.py"
    file.write_text(FRAME.format(body=textwrap.dedent(body)), "utf-8")
    return str(file)


def saved(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "orchestrator_results.json").read_text("utf-8"))
    return loaded


def started(folder: Path, body: str, verb: str = "run", *words: str) -> subprocess.Popen[str]:
    command = ["-m", "mcp_codegen.orchestrator", verb, written(folder, body), "--server", "in-process", *words]
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "raised", ["BaseException('s3cret')", "KeyboardInterrupt()", "GeneratorExit()", "SystemExit(0)"]
)
@pytest.mark.parametrize("place", ["body", "step"])
def test_whatever_a_process_raises_is_a_failed_run_with_results(
    orchestrate: Orchestrate, tmp_path: Path, raised: str, place: str
) -> None:
    body = f"""
    async def boom():
        raise {raised}

    async def run_it(run, client, given):
        {'await boom()' if place == 'body' else 'await run.step("boom", "Boom", boom)'}
        return Output()
    """
    result = orchestrate("run", written(tmp_path, body), "--server", "in-process")
    assert result.exit_code == 1
    assert saved(tmp_path)["status"] == "failed"
    assert "Traceback" not in result.output
    assert "s3cret" not in result.output + json.dumps(saved(tmp_path))


@pytest.mark.parametrize("raised", ["BaseException('x')", "GeneratorExit()", "SystemExit(3)"])
def test_whatever_a_file_raises_while_it_is_read_is_told(orchestrate: Orchestrate, tmp_path: Path, raised: str) -> None:
    result = orchestrate("run", written(tmp_path, f"raise {raised}"))
    assert result.exit_code == 2
    assert "mend the process's code" in result.stderr


def test_half_a_surrogate_in_a_value_fails_the_step_and_in_a_title_is_replaced(
    orchestrate: Orchestrate, tmp_path: Path
) -> None:
    body = r"""
    async def value():
        return {"a": "\\ud800"}

    async def run_it(run, client, given):
        await run.step("value", "A\\ud800", value)
        return Output()
    """.replace("\\\\", "\\")
    result = orchestrate("run", written(tmp_path, body), "--server", "in-process")
    assert result.exit_code == 1
    [step] = saved(tmp_path)["execution_log"]
    assert (step["title"], step["status"], step["error"]["code"]) == ("A?", "error", "misuse")


def test_a_task_that_is_left_behind_and_never_ends_keeps_neither_results_nor_the_program(tmp_path: Path) -> None:
    body = """
    import mcp_codegen.orchestrator.runner as runner
    runner.GRACE_SECONDS = 0.2

    async def stay():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

    async def run_it(run, client, given):
        asyncio.create_task(stay())
        await asyncio.sleep(0)
        return Output()
    """
    process = started(tmp_path, body)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, saved(tmp_path)["status"]) == (0, "succeeded")
    assert "Results saved to" in out
    assert "Traceback" not in err


@pytest.mark.parametrize("times", [1, 2])
def test_a_process_that_does_not_stop_is_given_up_after_the_grace_or_at_the_second_signal(
    tmp_path: Path, times: int
) -> None:
    body = f"""
    import mcp_codegen.orchestrator.runner as runner
    runner.GRACE_SECONDS = {0.2 if times == 1 else 3600}

    async def run_it(run, client, given):
        open("started", "w").close()
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                open("asked", "w").close()
    """
    process = started(tmp_path, body)
    for number in range(times):
        _until((tmp_path / ("started" if number == 0 else "asked")).exists)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert saved(tmp_path)["status"] == "cancelled"
    assert "Results saved to" in out
    assert "Traceback" not in err


def test_a_batch_whose_process_does_not_stop_tells_how_it_went_and_ends(tmp_path: Path) -> None:
    body = """
    from mcp_codegen.orchestrator import runner
    from mcp_codegen.orchestrator.durable import batching
    from mcp_codegen.orchestrator.durable.transact import engine
    runner.GRACE_SECONDS = batching.GRACE_SECONDS = engine.DROP_SECONDS = 0.2

    async def run_it(run, client, given):
        open("started", "w").close()
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
    """
    (tmp_path / "rows.jsonl").write_text('{"a": 1}')
    process = started(tmp_path, body, "batch", "--inputs", "rows.jsonl")
    _until((tmp_path / "started").exists)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, "1 unfinished" in out) == (143, True), out + err


@pytest.mark.parametrize("name", ["x" * 300 + ".json", "loop.json", "x" * 250 + ".json"])
def test_results_that_could_not_be_saved_are_refused_before_anything_runs(
    orchestrate: Orchestrate, tmp_path: Path, name: str
) -> None:
    (tmp_path / "loop.json").symlink_to("loop.json")
    body = """
    async def run_it(run, client, given):
        open("ran", "w").close()
        return Output()
    """
    result = orchestrate("run", written(tmp_path, body), "--server", "in-process", "--results", name)
    assert result.exit_code == 2
    assert "results cannot be saved" in result.stderr
    assert not (tmp_path / "ran").exists()


def test_results_are_saved_where_they_were_asked_for_wherever_the_process_goes(
    orchestrate: Orchestrate, tmp_path: Path
) -> None:
    body = """
    async def run_it(run, client, given):
        os.chdir("/")
        return Output()
    """
    result = orchestrate("run", written(tmp_path, body), "--server", "in-process", "--results", "r.json")
    assert result.exit_code == 0
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["status"] == "succeeded"


def test_an_input_that_json_cannot_describe_is_told(orchestrate: Orchestrate, tmp_path: Path) -> None:
    body = """
    class Given(BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        event: asyncio.Event

    async def run_it(run, client, given):
        return Output()
    """
    for verb in ("run", "show"):
        result = orchestrate(verb, written(tmp_path, body))
        assert result.exit_code == 2
        assert "the input Given cannot be described" in result.stderr


def test_an_input_that_a_document_gives_twice_is_told(orchestrate: Orchestrate, tmp_path: Path) -> None:
    body = """
    async def run_it(run, client, given):
        return Output()
    """
    result = orchestrate("run", written(tmp_path, body), "--input-json", "-", input='{"a": 1, "a": 2}')
    assert result.exit_code == 2
    assert "'a': given twice" in result.stderr


def _until(holds: Any) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
