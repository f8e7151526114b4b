"""`mcp-orchestrator batch`: every row once, whatever is wrong with some, and however often it is started."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.orchestrator.conftest import PARCELS, ROOT, Orchestrate

HERE = ("--server", "in-process")
# `ORCHESTRATOR_ROWS=1000` is the whole of it: so many rows, of which three are bad.
ROWS = int(os.environ.get("ORCHESTRATOR_ROWS", "40"))


def written(rows: list[dict[str, Any]], file: str = "parcels.csv") -> str:
    path = Path(file)
    if path.suffix == ".csv":
        with path.open("w", newline="") as opened:
            table = csv.DictWriter(opened, ["number", "place", "how"])
            table.writeheader()
            table.writerows(rows)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def good(count: int) -> list[dict[str, Any]]:
    return [{"number": number, "place": "home", "how": "well"} for number in range(1, count + 1)]


def told(result: Result) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def lines(file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("file", ["parcels.csv", "parcels.jsonl", "parcels.json"])
def test_bad_rows_are_rejected_with_row_and_reason_and_the_others_run_once(orchestrate: Orchestrate, file: str) -> None:
    rows: list[dict[str, Any]] = [*good(ROWS - 1), {"number": 1000, "place": "home", "how": "well"}]
    rows[10]["number"], rows[20]["place"] = 0, "No!"
    words = ("batch", PARCELS, "--inputs", written(rows, file), *HERE, "--json")
    first = orchestrate(*words)
    assert first.exit_code == 3, first.output
    assert told(first)["runs"] == {"succeeded": ROWS - 3}
    base = 2 if file.endswith("csv") else 1
    results = lines("parcels-parcels.jsonl")
    assert [each["row"] for each in results] == [base + n for n in range(ROWS) if n not in {10, 20, ROWS - 1}]
    assert results[0]["parcel"] == {"number": 1, "place": "here"}
    assert results[0]["execution_log"][0]["key"] == "parcel"
    with Path("parcels-parcels.csv").open() as opened:
        table = list(csv.DictReader(opened))
    assert len(table) == ROWS - 3
    assert (table[0]["status"], table[0]["input.number"], table[0]["failed_step"]) == ("succeeded", "1", "")
    with Path("parcels-parcels.rejects.csv").open() as opened:
        rejects = list(csv.DictReader(opened))
    assert [int(each["row"]) for each in rejects] == [base + 10, base + 20, base + ROWS - 1]
    assert rejects[0]["reason"].startswith("number: should be greater than or equal to 1; it is '0'")
    assert str(json.loads(rejects[2]["input"])["number"]) == "1000"

    again = orchestrate(*words)
    assert again.exit_code == 3
    assert told(again)["this_time"]["new"] == 0
    assert told(again)["this_time"]["known"] == ROWS - 3
    assert told(again)["runs"] == {"succeeded": ROWS - 3}
    assert lines("parcels-parcels.jsonl") == results


def test_a_corrected_file_runs_only_what_is_new_in_it_and_equal_rows_are_one(orchestrate: Orchestrate) -> None:
    words = ("batch", PARCELS, *HERE, "--json", "--key", "number")
    file = written([*good(3), {"number": 0, "place": "home"}, good(1)[0]])
    assert told(orchestrate(*words, "--inputs", file))["this_time"] | {"ended": {}} == {
        **{"rows": 5, "rejected": 1, "new": 3, "known": 1, "taken_up": 0, "retried": 0},
        **{"ended": {}, "read": True, "stop": None},
    }
    result = orchestrate(*words, "--inputs", written(good(5)))
    assert result.exit_code == 0
    assert (told(result)["this_time"]["new"], told(result)["runs"]) == (2, {"succeeded": 5})
    assert [each["run_id"] for each in lines("parcels-parcels.jsonl")] == [f"parcels-parcels:{n}" for n in range(1, 6)]
    assert not Path("parcels-parcels.rejects.csv").exists(), "nothing is rejected any more"


def test_failures_are_told_and_stay_and_their_text_is_no_formula(orchestrate: Orchestrate) -> None:
    rows = [*good(2), {"number": 3, "place": "home", "how": "given up"}]
    for _ in range(2):
        result = orchestrate("batch", PARCELS, "--inputs", written(rows), *HERE)
        assert result.exit_code == 1
        assert result.stdout.splitlines()[0] == "Batch parcels-parcels: 2 succeeded, 1 failed"
        assert "  1 of closed at parcel: no parcel today" in result.stdout
    odd = [{"number": 4, "place": "home", "how": "=cmd|' /C calc'!A0"}]
    orchestrate("batch", PARCELS, "--inputs", written(odd, "odd.jsonl"), *HERE)
    assert ",'=cmd|" in Path("parcels-odd.csv").read_text()


@pytest.mark.parametrize("limit", [("--max-failures", "4"), ("--max-failure-rate", "0.5")])
def test_too_many_failures_stop_the_submission_and_say_so(orchestrate: Orchestrate, limit: tuple[str, str]) -> None:
    rows = [row | {"how": "given up"} for row in good(220)]
    words = ("batch", PARCELS, "--inputs", written(rows), *HERE, "--concurrency", "5", "--json")
    result = orchestrate(*words, *limit)
    assert result.exit_code == 4
    data = told(result)
    assert data["this_time"]["stop"] == "failures"
    assert data["this_time"]["rows"] < 220
    assert data["runs"]["unfinished"] > 0


def test_a_dry_run_checks_every_row_and_runs_nothing(orchestrate: Orchestrate) -> None:
    file = written([*good(5), {"number": -1, "place": "home"}])
    result = orchestrate("batch", PARCELS, "--inputs", file, *HERE, "--dry-run")
    assert result.exit_code == 3
    assert "6 rows: 5 to run, 0 there already or equal, 1 rejected" in result.stdout
    assert sorted(path.name for path in Path().iterdir()) == ["parcels-parcels.rejects.csv", "parcels.csv"]


@pytest.mark.parametrize(
    ("name", "content", "words", "message"),
    [
        ("a.csv", "number\n1\n", (), "its header lacks place"),
        ("a.csv", "number,number,place\n1,1,a\n", (), "the columns 1 and 2 have the same name"),
        ("a.txt", "1", (), "its kind is not known"),
        ("a.json", '{"number": 1}', (), "[ is missing at its start"),
        ("a.json", '[{"number": 1, "place": "a"} {"number"', (), ", or ] is missing after its object 1"),
        ("a.csv", "number,place\n", ("--key", "nummer"), "there is no such input; did you mean number?"),
        ("a.csv", "number,place\n", ("--batch", "../x"), "cannot be a name"),
        ("a.csv", "number,place\n", ("--database", "oracle://x"), "there is no such kind of database"),
        ("a.csv", "number,place\n", ("--inputs", "none.csv"), "No such file"),
        ("a.csv", "number,place\n", ("--max-failure-rate", "nan"), "nan is not a number"),
        ("a.json", "", (), "[ is missing at its start"),
    ],
)
def test_what_cannot_be_used_is_told_and_nothing_runs(
    orchestrate: Orchestrate, name: str, content: str, words: tuple[str, ...], message: str
) -> None:
    Path(name).write_text(content)
    result = orchestrate("batch", PARCELS, "--inputs", name, *HERE, *words)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


def test_rows_that_cannot_be_read_are_rejected_one_by_one(orchestrate: Orchestrate) -> None:
    Path("a.jsonl").write_bytes(
        b'{"number": 1, "place": "a"}\n[1]\n{"number": \n{"number": 2, "place": "\xff"}\n\n'
        b'{"number": 3, "place": "a", "plaice": 1}\n{"number": 4, "place": "a", "password": "s3cret"}\n'
        b'{"number": 5, "place": "' + b"a" * 1_000_001 + b'"}\n{"number": 6, "place": "a"}\n'
        b'{"number": 7, "place": "a", "how": "\\ud800"}\n'
    )
    result = orchestrate("batch", PARCELS, "--inputs", "a.jsonl", *HERE)
    assert result.exit_code == 3
    with Path("parcels-a.rejects.csv").open() as opened:
        reasons = {int(each["row"]): each["reason"] for each in csv.DictReader(opened)}
    assert sorted(reasons) == [2, 3, 4, 6, 7, 8, 10]
    assert reasons[6] == "'plaice': there is no such input; did you mean place?"
    assert "it holds a secret" in reasons[7]
    assert "a value that a database cannot bring back" in reasons[10]
    assert [each["row"] for each in lines("parcels-a.jsonl")] == [1, 9]
    assert b"s3cret" not in Path("orchestrator.sqlite").read_bytes()


def test_a_process_that_changed_is_told_while_its_runs_are_in_flight_and_else_just_used(tmp_path: Path) -> None:
    process = tmp_path / "mine.py"
    source = Path(PARCELS).read_text("utf-8")
    process.write_text(source, "utf-8")
    (tmp_path / "rows.jsonl").write_text('{"number": 1, "place": "a", "then": "stuck"}\n')
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", "batch", str(process), "--inputs", "rows.jsonl", *HERE]
    options: dict[str, Any] = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(ROOT)}, "text": True}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, **options) as running:  # noqa: S603
        assert running.stderr is not None
        while "stuck" not in running.stderr.readline():
            assert running.poll() is None
        again = subprocess.run(command, check=False, capture_output=True, **options)  # noqa: S603
        assert again.returncode == 2
        assert "another process works on 'parcels-rows' already" in again.stderr
        running.send_signal(signal.SIGKILL)
    process.write_text(source.replace('"well"', '"good"').replace('case "stuck"', 'case "no"'), "utf-8")
    changed = subprocess.run(command, check=False, capture_output=True, **options)  # noqa: S603
    assert changed.returncode == 2
    assert "the process parcels has changed: 1 run of parcels-rows is in the middle of its version" in changed.stderr
