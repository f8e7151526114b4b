"""Who is alive, and who may say of others that they are dead."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from mcp_codegen.orchestrator.durable import database, ledger, presence, workers
from tests.orchestrator.counting import until

WORKER = workers.Worker(executor="one", session="1", queue="errands", version="1", place="here")


def test_signs_of_life_go_on_while_what_workers_do_for_each_other_waits_for_the_database(tmp_path: Path) -> None:
    kept = database.connect(str(tmp_path / "runs.sqlite"))
    ledger.prepare(kept)
    started, end = threading.Event(), threading.Event()

    def tend() -> None:
        started.set()
        end.wait(60)

    def expiry() -> int:
        return int(workers.living(kept, "errands")[0].expires_ms)

    with presence.kept_up(kept, WORKER, tend, recovery_seconds=0.9, fenced=pytest.fail):
        assert started.wait(60)
        for _ in range(2):
            before = expiry()
            until(lambda before=before: expiry() > before)
        end.set()
    kept.dispose()


def test_after_a_jump_of_the_clock_nobody_takes_another_for_dead_before_all_have_given_a_sign(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    present = presence.Presence(60)
    present.extend(time.monotonic())
    assert present.steady
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    assert not present.steady
    present.extend(time.monotonic())
    assert not present.steady


def test_who_gave_no_sign_of_life_for_too_long_does_not_take_others_for_dead_at_once() -> None:
    present = presence.Presence(0.1)
    present.extend(time.monotonic())
    assert present.steady
    until(lambda: not present.steady)
    present.extend(time.monotonic())
    assert not present.steady
    until(lambda: present.extend(time.monotonic()) or present.steady)
