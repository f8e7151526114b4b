"""The tests' PostgreSQL: nobody's but theirs, and gone with them; where there is none, its tests say so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa
from dbos import _migration

from mcp_codegen.orchestrator.durable import database, ledger
from tests.orchestrator import postgresql
from tests.orchestrator.conftest import PARCELS, ROOT, Orchestrate

PROGRAM = """
import json, sys, tempfile
from mcp_codegen.orchestrator.durable import database, ledger
from tests.orchestrator import postgresql
with postgresql.served() as url:
    print(json.dumps(url), flush=True)
    sys.stdin.read()
"""


def come_true(promise: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not (kept := promise()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return kept


def refuses(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError:
        return True
    return False


def test_the_server_of_tests_that_are_killed_ends_and_leaves_nothing_behind() -> None:
    with postgresql.served():
        pass  # skipped where there is none
    with subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as tests:
        assert tests.stdout is not None
        url = json.loads(tests.stdout.readline())
        with psycopg.connect(url) as connection:
            (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        assert Path(data).is_dir()
        tests.kill()
        tests.wait(20)
    assert come_true(lambda: refuses(url))
    assert come_true(lambda: not Path(data).parent.exists())


def test_the_server_lets_nobody_in_without_its_password_and_listens_on_loopback_alone() -> None:
    with postgresql.served() as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall() == [
            ("scram-sha-256",)
        ]
        password = str(urlsplit(url).password)
        assert refuses(url.replace(password, "guess"))


def test_each_use_has_an_empty_database_of_its_own() -> None:
    with postgresql.served() as one, psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE things ()")
        connection.commit()
        with postgresql.served() as other, psycopg.connect(other) as beside:
            assert beside.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'things'").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(one)


def test_processes_that_start_at_the_same_time_on_an_empty_database_all_find_their_tables() -> None:
    with postgresql.served() as url:
        engine = database.connect(url)
        with ThreadPoolExecutor(8) as threads:
            assert [each.result(60) for each in [threads.submit(ledger.prepare, engine) for _ in range(8)]] == [
                None
            ] * 8
        engine.dispose()


def test_connections_that_were_lost_while_nobody_used_them_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "UNSEEN_SECONDS", 0)
    kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    kill += " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with postgresql.served() as url:
        kept = database.connect(url)
        with kept.connect(), kept.connect(), kept.connect():
            pass  # three are in the pool now
        with psycopg.connect(url) as killer:
            assert killer.execute(kill).fetchone() == (3,)
        with kept.connect() as one, kept.connect() as other, kept.connect() as last:
            assert [each.scalar(sa.text("SELECT 1")) for each in (one, other, last)] == [1, 1, 1]
        kept.dispose()


def test_a_statement_alone_is_kept_at_once_and_the_next_transaction_is_one_again() -> None:
    with postgresql.served() as url:
        kept = database.connect(url)
        with database.alone(kept) as connection:
            connection.execute(sa.text("CREATE TABLE notes (number int)"))
        with database.alone(kept) as connection, kept.connect() as other:
            assert connection.execute(sa.text("INSERT INTO notes VALUES (1)")).rowcount == 1
            assert other.scalar(sa.text("SELECT count(*) FROM notes")) == 1
        with suppress(ValueError), kept.begin() as connection:
            connection.execute(sa.text("INSERT INTO notes VALUES (2)"))
            raise ValueError
        with kept.connect() as connection:
            assert connection.scalar(sa.text("SELECT sum(number) FROM notes")) == 1
        kept.dispose()


def made_by_another(kept: sa.Engine, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The engine's tables after so many of its migrations, or as many less than all."""
    whole = _migration.get_dbos_migrations("dbos", use_listen_notify=False)
    with monkeypatch.context() as cut:
        cut.setattr(_migration, "get_dbos_migrations", lambda *_: whole[:count])
        _migration.ensure_dbos_schema(kept, "dbos")
        _migration.run_dbos_migrations(kept, "dbos", use_listen_notify=False)


def test_a_batch_that_comes_in_the_middle_of_the_making_of_the_engines_tables_finds_them_whole(
    orchestrate: Orchestrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("rows.jsonl").write_text(json.dumps({"number": 1, "place": "a"}))
    with postgresql.served() as url:
        kept = database.connect(url)
        made_by_another(kept, monkeypatch, 20)
        ran = orchestrate("batch", PARCELS, "--inputs", "rows.jsonl", "--server", "in-process", "--database", url)
        assert ran.exit_code == 0, ran.stderr
        kept.dispose()


def test_reading_leaves_the_engines_tables_of_an_older_release_as_they_are(
    orchestrate: Orchestrate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgresql.served() as url:
        kept = database.connect(url)
        made_by_another(kept, monkeypatch, -1)
        version, latest = _migration.get_migration_versions(kept, "dbos", use_listen_notify=False)
        assert orchestrate("runs", "list", "--database", url).exit_code == 0
        assert _migration.get_migration_versions(kept, "dbos", use_listen_notify=False) == (version, latest)
        assert version < latest
        kept.dispose()


def test_where_there_is_no_postgresql_its_tests_are_skipped_and_the_run_says_why(tmp_path: Path) -> None:
    test = "test_a_batch_on_postgresql_that_is_killed_loses_nothing_and_repeats_no_finished_step"
    command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "-q"]
    command.append(f"{ROOT / 'tests' / 'orchestrator' / 'test_batch_crashes.py'}::{test}")
    environ = os.environ | {"POSTGRESQL_BIN": str(tmp_path)}
    done = subprocess.run(  # noqa: S603 - ours
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout
    assert f"POSTGRESQL_BIN={tmp_path} has no PostgreSQL" in done.stdout
