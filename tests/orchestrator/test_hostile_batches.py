"""Files, processes and databases that go wrong in the middle of a batch: each is told, and no run is left hanging."""

from __future__ import annotations

import csv
import os
import resource
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from mcp_codegen.orchestrator import command_line
from mcp_codegen.orchestrator.durable import database, ledger
from mcp_codegen.orchestrator.durable.transact import submitting
from mcp_codegen.orchestrator.durable.transact.submission import prepared
from tests.orchestrator import postgresql
from tests.orchestrator.conftest import PARCELS, Orchestrate
from tests.orchestrator.test_batch import HERE, good, lines, told, written

PROCESS = """
import os, resource, sqlite3
from contextlib import asynccontextmanager
import psycopg
from pydantic import BaseModel
from mcp_codegen.orchestrator import Process, ProcessError

class Nobody:
    @classmethod
    @asynccontextmanager
    async def in_process(cls, environ=None):
        yield cls()

class Row(BaseModel):
    number: int

class Done(BaseModel):
    pass

def act():
    {act}

async def body(run, nobody, row):
    async def step():
        act()
        return row.number
    await run.step("act", "Act", step)
    return Done()

process = Process(name="odd", title="Odd", client=Nobody, input=Row, output=Done, body=body)
"""


def process(act: str) -> str:
    path = Path("odd.py")
    path.write_text(PROCESS.replace("{act}", act))
    Path("rows.csv").write_text("number\n1\n")
    return str(path)


def reasons(file: str) -> list[str]:
    with Path(file).open() as opened:
        return [each["reason"] for each in csv.DictReader(opened)]


def test_a_header_as_spreadsheets_leave_it_is_read(orchestrate: Orchestrate) -> None:
    Path("a.csv").write_text("\ufeff number , place ,,\r\n1,home,,\r\n2,home,,\r\n", encoding="utf-8")
    result = orchestrate("batch", PARCELS, "--inputs", "a.csv", *HERE, "--dry-run")
    assert (result.exit_code, "2 to run" in result.stdout) == (0, True), result.output
    assert "columns ignored" not in result.stdout


def test_a_header_of_very_many_columns_costs_what_it_is_long(orchestrate: Orchestrate) -> None:
    others = ",".join(f"c{number}" for number in range(300_000))
    Path("a.csv").write_text(f"number,place,{others}\n1,home\n")
    result = orchestrate("batch", PARCELS, "--inputs", "a.csv", *HERE, "--dry-run")
    assert result.exit_code == 0
    assert "and 299995 more" in result.stdout


def test_what_would_swallow_other_rows_or_values_is_rejected(orchestrate: Orchestrate) -> None:
    Path("a.csv").write_text('number,place\n1,home\n2,"home\n3,home\n')
    assert orchestrate("batch", PARCELS, "--inputs", "a.csv", *HERE, "--dry-run").exit_code == 3
    assert reasons("parcels-a.rejects.csv") == ["it is no CSV: unexpected end of data"]
    Path("b.jsonl").write_text('{"number": 1, "place": "home", "number": 2}\n{"number": 3, "place": "home"}\n')
    assert orchestrate("batch", PARCELS, "--inputs", "b.jsonl", *HERE, "--dry-run").exit_code == 3
    assert reasons("parcels-b.rejects.csv") == ["'number': given twice"]
    Path("c.csv").write_text("number,place\n1,home" + "," * 16_000_000 + "\n2,home\n")
    assert orchestrate("batch", PARCELS, "--inputs", "c.csv", *HERE, "--dry-run").exit_code == 3
    assert reasons("parcels-c.rejects.csv") == ["it is no CSV: a line is longer than 16,000,000 characters"]


def test_a_pipe_another_encoding_and_results_that_have_no_place_are_told_at_once(orchestrate: Orchestrate) -> None:
    os.mkfifo("pipe.csv")
    Path("utf16.csv").write_text("number,place\n1,home\n", encoding="utf-16")
    written(good(1))
    for words, message in (
        (("--inputs", "pipe.csv"), "it is not a regular file"),
        (("--inputs", "utf16.csv"), "it is not UTF-8 text"),
        (("--inputs", "parcels.csv", "--results", "parcels.csv/there"), "results cannot be saved"),
    ):
        result = orchestrate("batch", PARCELS, *words, *HERE)
        assert (result.exit_code, message in result.stderr) == (2, True), result.output


def test_a_key_that_reads_like_a_fork_is_not_taken_for_one(orchestrate: Orchestrate) -> None:
    written([{"number": 1, "place": "home", "how": how} for how in ("well", "well.fork-1")], "a.jsonl")
    orchestrate("batch", PARCELS, "--inputs", "a.jsonl", "--key", "how", *HERE)
    first, second = (each["run_id"] for each in lines("parcels-a.jsonl"))
    assert first == "parcels-a:well"
    assert "fork" not in second


def test_a_run_whose_end_cannot_be_noted_ends_as_failed_and_can_be_retried(orchestrate: Orchestrate) -> None:
    words = ("batch", process("pass"), "--inputs", "rows.csv", *HERE, "--json")
    assert orchestrate(*words[:-3], "--submit-only").exit_code == 0
    with sqlite3.connect("orchestrator.sqlite") as connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON orchestrator_runs WHEN NEW.status = 'succeeded' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    result = orchestrate(*words)
    assert (result.exit_code, told(result)["runs"]) == (1, {"failed": 1})
    assert "it ended outside of its process's code" in orchestrate("batches", "show", "odd-rows").stdout
    with sqlite3.connect("orchestrator.sqlite") as connection:
        connection.execute("DROP TRIGGER refuse")
    assert orchestrate("batches", "retry-failed", "odd-rows").exit_code == 0
    assert told(orchestrate(*words))["runs"] == {"succeeded": 1}


def test_a_database_of_an_older_version_is_told_with_what_it_lacks(orchestrate: Orchestrate) -> None:
    kept = database.connect("orchestrator.sqlite")
    ledger.prepare(kept)
    kept.dispose()
    with sqlite3.connect("orchestrator.sqlite") as connection:
        connection.execute("ALTER TABLE orchestrator_batches DROP COLUMN problem")
    result = orchestrate("batches", "list")
    assert (result.exit_code, "it lacks orchestrator_batches.problem" in result.stderr) == (2, True), result.output


def test_where_nothing_can_be_printed_that_is_told_and_the_program_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115 - to close it is refused too
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(SystemExit, match="1"):
        command_line.say("all is well")
    with suppress(OSError):
        full.close()
    assert "nothing more could be printed: No space left on device" in capsys.readouterr().err


def test_a_database_that_breaks_in_the_middle_is_told_and_its_text_is_not(orchestrate: Orchestrate) -> None:
    broken = process("sqlite3.connect('orchestrator.sqlite').executescript('DROP TABLE orchestrator_runs')")
    result = orchestrate("batch", broken, "--inputs", "rows.csv", *HERE)
    assert result.exit_code == 1, result.output
    assert "was not run to its end: the database failed (SQLITE_ERROR) (database)" in result.stdout
    assert "give the same command again" in result.stdout


def test_a_disk_that_is_full_fails_no_run_and_with_space_again_the_same_command_goes_on(
    orchestrate: Orchestrate,
) -> None:
    size = "os.path.getsize('orchestrator.sqlite-wal')"
    full = f"if os.path.exists('full'): resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))"
    words = ("batch", process(full), "--inputs", "rows.csv", *HERE, "--json")
    Path("rows.csv").write_text("number\n1\n2\n3\n")
    Path("full").touch()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        result = orchestrate(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (result.exit_code, "the database failed (SQLITE_IOERR_WRITE)" in result.stdout) == (1, True), result.output
    Path("full").unlink()
    assert told(orchestrate(*words))["runs"] == {"succeeded": 3}


def test_on_postgresql_a_nul_in_an_error_and_connections_that_are_cut_end_no_batch(
    orchestrate: Orchestrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    with postgresql.served() as url:
        monkeypatch.setenv("TEST_URL", url)
        act = f"psycopg.connect(os.environ['TEST_URL']).execute(\"{cut} AND pid <> pg_backend_pid()\")"
        words = ("--inputs", "rows.csv", *HERE, "--database", url)
        ended = orchestrate("batch", process(act), *words, "--batch", "cut")
        assert ended.exit_code == 0, ended.output
        assert "another process" not in ended.output
        result = orchestrate("batch", process("raise ProcessError('a\\0b', code='c\\0d')"), *words, "--json")
        assert (result.exit_code, told(result)["runs"]) == (1, {"failed": 1})


def test_on_postgresql_who_starts_beside_another_on_an_empty_database_waits_for_the_engines_tables() -> None:
    with postgresql.served() as url, ThreadPoolExecutor(1) as pool:
        kept = database.connect(url)

        def submit(number: int) -> None:
            with submitting(kept, "odd", "odd") as submitter, kept.begin() as connection:
                submitter.enqueue(connection, f"run-{number}", {})

        first = pool.submit(submit, 1)
        while not (prepared(kept) or first.done()):
            pass
        submit(2)
        first.result()
        kept.dispose()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM dbos.workflow_status").fetchone() == (2,)
