"""The benchmarks run, and tell what they found; no test looks at a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import bench_processes, bench_types, building, children, peers, sessions, showing
from benchmarks.children import BrokenError
from benchmarks.figures import FLOOR, OURS, Missing, as_json, figure, tables
from tests.orchestrator.postgresql import UnavailableError

ROOT = Path(__file__).parent.parent
CPU = "CPU s until tools/list is answered"
FOUND = [
    figure("start", "github", CPU, OURS, [1.4, 1.0, 1.1]),
    figure("start", "github", CPU, FLOOR, [0.7]),
    figure("start", "github", CPU, "Peer 4.1", [13.0, 12.0]),
    Missing("start", "github", "Other 2.0", "exit status 1: it has [no] such key"),
]


def test_a_start_is_measured_end_to_end(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--only", "start", "--no-peers", "--repeats", "1", "--json"]
    spec = ROOT / "benchmarks" / "invoices.json"
    environ = os.environ | {"MCP_CODEGEN_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--spec", str(spec)], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    ours = {one["measure"]: one for one in told["figures"] if one["contestant"] == OURS}
    assert not told["missing"]
    assert ours["tools"]["least"] == 1
    assert ours[CPU]["least"] > 0
    assert ours["kB of tools/list"]["least"] > ours["kB of the largest tool"]["least"] > 0


def test_a_ratio_tells_how_many_times_ours_a_figure_is():
    (row,) = tables(FOUND)["start", "github"]
    assert row.ratio("Peer 4.1") == 12
    assert row.ratio(OURS) == 1
    assert row.ratio("Other 2.0") is None
    assert row.figures[OURS].median == 1.1


@pytest.mark.parametrize(("cpu", "kept"), [(1.2, True), (1.3, False)])
def test_a_target_is_kept_or_missed(cpu, kept):
    (row,) = tables([figure("start", "github", CPU, OURS, [cpu])])["start", "github"]
    assert row.is_kept is kept


def test_a_table_shows_every_contestant_and_who_is_missing():
    console = Console(width=140, record=True, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    showing.show(FOUND, console)
    shown = console.export_text()
    assert "12 [12 x]" in shown
    assert "0.70 [0.70 x]" in shown
    assert "≤ 1.20 kept" in shown
    assert "Other 2.0 (start, github): exit status 1: it has [no] such key" in shown


def test_json_has_every_figure_with_its_ratio_and_its_target():
    told = as_json(FOUND, {})
    assert [(one["contestant"], one["times_ours"], one["target"]) for one in told["figures"]] == [
        (OURS, 1, 1.2),
        (FLOOR, 0.7, None),
        ("Peer 4.1", 12, None),
    ]
    assert told["missing"][0]["contestant"] == "Other 2.0"


def test_a_program_that_fails_is_told_with_what_it_said_last():
    with pytest.raises(BrokenError, match=r"^exit status 3: second\?$"):
        children.run([sys.executable, "-c", r"import sys; print('first\nsecond\x07'); sys.exit(3)"])


def test_what_tells_of_an_error_is_the_reason_rather_than_what_follows_it():
    assert children.reason("Field required\nSee https://errors.example.com\nIs that a mistake?\n", 1) == (
        "exit status 1: Field required"
    )


def test_a_peer_that_cannot_be_installed_is_told_in_pips_words():
    said = (
        "WARNING: x\nERROR: Could not find it (from versions: 1, 2)\nERROR: No matching distribution found for it==3\n"
    )
    assert peers.pip_reason(said) == "No matching distribution found for it==3"


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ("Success: no issues found in 3 source files\n", 0),
        ("a.py:1: error: x  [y]\nFound 1 error in 1 file (checked 2 source files)\n", 1),
        ("Found 98 errors in 9 files (checked 20 source files)\n", 98),
    ],
)
def test_the_errors_of_a_type_check_are_counted(said, errors):
    assert bench_types.errors(said) == errors


def test_a_type_check_that_gave_up_counts_as_no_figure():
    with pytest.raises(BrokenError, match="syntax"):
        bench_types.errors(
            "a.py:1: error: invalid syntax\nFound 1 error in 1 file (errors prevented further checking)\n"
        )


def test_a_subject_that_is_not_there_is_refused_with_those_that_are():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "speed"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "generate" in done.stderr


def test_a_server_that_ends_instead_of_answering_is_told_with_what_it_said_last():
    with pytest.raises(BrokenError, match=r"^exit status 4: no such thing$"):
        sessions.listed([sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(4)"])


def test_a_process_is_handled_raw_and_durably_and_what_it_took_is_told(tmp_path):
    with bench_processes.served() as environ:
        for taken in (
            bench_processes.loop(environ, "aiohttp", 2),
            bench_processes.on_sqlite(environ, tmp_path, 2),
        ):
            assert taken.cpu > 0
            assert taken.seconds > 0
            assert taken.memory > 0
            assert taken.server == 0


def test_durable_processes_are_told_by_the_floor_of_their_own_minutes(tmp_path):
    speeds = iter([1, 1, 1, 4, 2])  # a machine that slows down, and gets better

    def raw(many: int) -> bench_processes.Taken:
        return bench_processes.Taken(many * next(speeds) / 1000, 40, 1)

    def durable(many: int) -> bench_processes.Taken:
        return bench_processes.Taken(many * 0.009, 100, 1)

    bench = building.Bench((), {}, tmp_path, repeats=2, say=lambda _: None, customers=(1000,))
    found = bench_processes.costs_of(bench, "SQLite", durable, bench_processes.Floor(raw))
    assert found[bench_processes.CPU, 1000] == pytest.approx([9, 9])
    assert found[bench_processes.TIMES, 1000] == pytest.approx([9 / 2.5, 9 / 3], rel=0.01)


def test_a_floor_that_breaks_is_not_told_as_what_is_compared_with_it():
    def broken(many: int) -> bench_processes.Taken:
        raise BrokenError("exit status 1")

    with pytest.raises(UnavailableError, match=r"^the floor beside it: exit status 1$"):
        bench_processes.Floor(broken)


def test_durable_processes_are_told_beside_the_floor_with_what_was_promised():
    def costs(cpu: float, memory: float) -> bench_processes.Costs:
        said = {bench_processes.CPU: cpu, bench_processes.RATE: 50, bench_processes.SERVER: 0}
        said |= {bench_processes.TIMES: cpu / 2}
        few = {(measure, 1000): [value] for measure, value in said.items()} | {(bench_processes.MEMORY, 1000): [100]}
        many = {(measure, 10_000): [value] for measure, value in said.items()}
        return few | many | {(bench_processes.MEMORY, 10_000): [memory]}

    measured = {FLOOR: costs(2, 40), "SQLite": costs(14, 160)}
    sheets = tables(bench_processes.figures((1000, 10_000), "SQLite", measured, is_durable=True))
    rows = {(spec, row.measure): row for (_, spec), rows in sheets.items() for row in rows}
    assert rows["1,000 customers", "SQLite: times the floor's CPU"].is_kept is True
    assert rows["10,000 customers", "SQLite: CPU ms a process"].ratio(FLOOR) == 2 / 14
    assert rows["from 1,000 to 10,000 customers", "SQLite: MB that memory grew"].is_kept is False
    assert rows["from 1,000 to 10,000 customers", "SQLite: times the CPU a process"].is_kept is True
