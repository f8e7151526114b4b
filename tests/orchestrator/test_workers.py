"""`mcp-orchestrator worker`: any number share the work of one database, and none is needed for long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from mcp_codegen.orchestrator.cli import main
from tests.orchestrator import postgresql
from tests.orchestrator.conftest import PARCELS
from tests.orchestrator.counting import ERRANDS, PATIENCE, Counter, Office, errands, listening, until

RECOVERY_SECONDS = 9
SLOWER = 1 if "ORCHESTRATOR_CRASHES" in os.environ else 5
"""How much slower than promised a machine may be that does other things beside."""
# `ORCHESTRATOR_OVERTAKING=10000` is the whole of it: so many runs of low priority before ten of high priority.
MANY, FEW = int(os.environ.get("ORCHESTRATOR_OVERTAKING", "80")), 10


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def office(tmp_path: Path, counter: Counter) -> Iterator[Office]:
    with listening(counter) as url:
        yield Office(tmp_path, "runs.sqlite", {"ERRANDS_URL": url})


def ended(worker: subprocess.Popen[str]) -> tuple[int, str]:
    _, stderr = worker.communicate(timeout=PATIENCE)
    return worker.returncode, stderr


def test_of_three_workers_one_is_killed_and_one_stands_still_and_the_third_finishes_everything(
    tmp_path: Path, counter: Counter
) -> None:
    words = ("--concurrency", "4", "--recovery-time", str(RECOVERY_SECONDS))
    with listening(counter) as url, postgresql.served() as database, ExitStack() as stack:
        office = Office(tmp_path, database, {"ERRANDS_URL": url})
        counter.held = set(range(1, 61))
        assert office.batch(errands(tmp_path, 60), "--submit-only")["this_time"]["new"] == 60
        workers = [stack.enter_context(office.worker(*words)) for _ in range(3)]
        until(lambda: len(counter.calls) == 12)
        killed, frozen, third = workers
        killed.send_signal(signal.SIGKILL)
        frozen.send_signal(signal.SIGSTOP)
        start = time.monotonic()
        counter.held = set()
        told = office.batch("errands.jsonl", "--wait-for-workers")
        assert told["runs"] == {"succeeded": 60}
        assert told["this_time"]["new"] == 0, "the same file again is nothing new"
        frozen.send_signal(signal.SIGCONT)
        code, stderr = ended(frozen)
        assert code == 75
        assert "others have its runs" in stderr
        third.send_signal(signal.SIGTERM)
        assert ended(third)[0] == 0
    counter.check()
    repeated = counter.repeated()
    assert 0 < len(repeated) <= 8, "only the steps in flight of the two"
    took = max(call.moment for call in repeated) - start
    print(f"others went on with everything {took:.1f} s after the kill; promised are {RECOVERY_SECONDS} s")
    assert took <= RECOVERY_SECONDS * SLOWER


def test_a_worker_that_is_asked_to_stop_hands_back_what_it_holds(office: Office, counter: Counter) -> None:
    counter.held = {1, 2}
    office.batch(errands(office.folder, 5), "--submit-only")
    with office.worker("--grace", "0.5") as worker:
        until(lambda: counter.numbers("deliver") and len(counter.calls) == 11)
        worker.send_signal(signal.SIGTERM)
        code, stderr = ended(worker)
    assert (code, "2 runs in flight were handed back" in stderr) == (0, True), stderr
    listed = json.loads(office.run("runs", "list", "--status", "unfinished", "--json"))
    assert [run["status"] for run in listed] == ["queued", "queued"]
    counter.held = set()
    assert office.batch("errands.jsonl")["runs"] == {"succeeded": 5}
    counter.check()


def test_a_batch_of_high_priority_overtakes_one_of_low_priority(office: Office, counter: Counter) -> None:
    urgent = errands(office.folder, FEW, first=MANY + 1, name="urgent.jsonl")
    office.batch(errands(office.folder, MANY), "--submit-only", "--priority", "low")
    counter.held = set(range(1, MANY + 1))
    with office.worker("--concurrency", "4"):
        until(lambda: len(counter.calls) == 4)
        office.batch(urgent, "--submit-only", "--priority", "high")
        counter.held = set()
        assert office.batch("urgent.jsonl", "--priority", "high", "--wait-for-workers")["runs"] == {"succeeded": FEW}
        unfinished = json.loads(office.run("batches", "show", "errands-errands", "--json"))["runs"].get("unfinished", 0)
        until(lambda: len(counter.numbers("fetch")) >= min(MANY, 80) + FEW)
    begun = counter.numbers("fetch")
    last = max(begun.index(number) for number in range(MANY + 1, MANY + FEW + 1))
    assert last < 4 + FEW + 4, "behind those in flight, and beside those that were begun with the last of them"
    print(f"{FEW} of high priority have ended, {unfinished} of {MANY} of low priority have not")


def test_rates_of_calls_hold_over_two_workers(office: Office, counter: Counter, tmp_path: Path) -> None:
    paced = tmp_path / "paced.py"
    paced.write_text(PACED)
    office.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    office.batch(errands(office.folder, 8), "--submit-only", process=str(paced))
    words = ("--rate-limit", "errands=10/s")
    with office.worker(*words, process=str(paced)), office.worker(*words, process=str(paced)):
        until(lambda: len(counter.calls) == 24)
    moments = [call.moment for call in counter.calls]
    assert moments[-1] - moments[0] >= 2.3 - 0.3, "24 calls, a tenth of a second apart"


def test_a_rate_of_starts_holds(office: Office, counter: Counter) -> None:
    assert office.batch(errands(office.folder, 9), "--start-rate", "3/s")["runs"] == {"succeeded": 9}
    begun = [call.moment for call in counter.calls if call.step == "fetch"]
    assert begun[-1] - begun[0] >= 1.0


def test_one_worker_takes_several_processes(office: Office) -> None:
    office.batch(errands(office.folder, 3), "--submit-only")
    (office.folder / "parcels.jsonl").write_text('{"number": 1, "place": "home"}')
    office.environ["PARCELS_BASE_URL"] = "here"
    office.batch("parcels.jsonl", "--submit-only", process=PARCELS)
    with office.start("worker", ERRANDS, PARCELS, "--server", "in-process") as worker:
        for file, process in (("errands.jsonl", ERRANDS), ("parcels.jsonl", PARCELS)):
            assert office.batch(file, "--wait-for-workers", process=process)["runs"].keys() == {"succeeded"}
        worker.send_signal(signal.SIGTERM)
        code, stderr = ended(worker)
    assert code == 0, stderr
    assert stderr.count("has stopped") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("worker", ERRANDS, "--rate-limit", "5/s"), "does not tell its gateways"),
        (("worker", ERRANDS, "--start-rate", "fast"), "is no rate"),
        (("worker", "none.py"), "there is no file 'none.py'"),
        (("batch", ERRANDS, "--inputs", "x.jsonl", "--submit-only", "--start-rate", "5/s"), "for those who execute"),
    ],
)
def test_what_a_worker_cannot_do_is_told(office: Office, words: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(main, words, env=office.environ)
    assert (result.exit_code, message in result.stderr) == (2, True), result.output


@pytest.mark.skipif("ORCHESTRATOR_CRASHES" not in os.environ, reason="a drill: ORCHESTRATOR_CRASHES=1000,20")
def test_runs_that_kill_their_workers_end_as_failed_and_take_none_of_those_beside_them_along(
    office: Office, counter: Counter
) -> None:
    poisonous = {3, 7, 20}
    rows = [{"number": number, "poisonous": number in poisonous} for number in range(1, 41)]
    (office.folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    counter.latency = 0.3
    for _ in range(40):
        with office.start("batch", ERRANDS, "--inputs", "rows.jsonl", "--json", "--concurrency", "10") as running:
            stdout, _ = running.communicate(timeout=PATIENCE)
        if running.returncode != 9:
            break
    assert running.returncode == 1
    assert json.loads(stdout)["runs"] == {"succeeded": 37, "failed": 3}
    failed = json.loads(office.run("runs", "list", "--status", "failed", "--json"))
    assert {run["row"] for run in failed} == poisonous
    assert {run["error"]["code"] for run in failed} == {"worker_lost"}
    counter.check()


PACED = """
from dataclasses import replace
from tests.orchestrator.processes import errands


class Paced(errands.Errands):
    package = "errands_mcp"
    gateways = ("ERRANDS",)
    before = None

    def paced(self, before):
        other = Paced(self._http)
        other.before = before
        return other

    async def do(self, number, step, key):
        if self.before is not None:
            await self.before("ERRANDS")
        return await super().do(number, step, key)


async def body(run, client, errand):
    return await errands.run_errand(run, client, errand)


process = replace(errands.process, client=Paced, body=body)
"""
