"""A batch that is killed at random moments: every customer has one result, and no finished step was called again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from mcp_codegen import pipeline
from mcp_codegen.standin import Behaviour, StandIn
from mcp_codegen.standin.messages import Reply, Request
from tests.orchestrator import postgresql
from tests.orchestrator.conftest import ROOT
from tests.orchestrator.counting import ERRANDS, Counter, Office, errands, listening, until

CATALOG = ROOT / "catalog" / "telefonica" / "api_catalog.json"
PROCESS = ROOT / "catalog" / "telefonica" / "customer_billing.py"
STEPS = ("GetListInvoices", "RetrieveInvoiceLink", "fixed")
# `ORCHESTRATOR_CRASHES=1000,20` is the whole of it: so many customers, so many kills.
CUSTOMERS, KILLS = map(int, os.environ.get("ORCHESTRATOR_CRASHES", "30,2").split(","))
PATIENCE = 60 + CUSTOMERS


class Counting(StandIn):
    """The real stand-in, which remembers which step each customer's calls were, in their order."""

    def __init__(self) -> None:
        settings = {"APIM_SUBSCRIPTION_KEY": "k", "BEARER_TOKEN": "t"}
        super().__init__(pipeline.load(CATALOG).catalog, Behaviour(latency=0.02), settings)
        self.calls: dict[str, list[int]] = {}
        self.total = 0
        self._owners: dict[str, str] = {}

    def reply(self, request: Request) -> Reply:
        reply = super().reply(request)
        step = STEPS.index(request.path.rpartition("/")[2])
        asked = f"{request.query} {request.body!r}"
        if step == 0:
            customer = str(json.loads(request.body)["customerId"] if request.body else request.query["customerId"][0])
            answer: Any = reply.content
            self._owners[answer["customerRut"]] = customer
            self._owners.update({each["billingInvoiceNumber"]: customer for each in answer["implInvoiceLists"]})
        else:
            customer = next(owner for mark, owner in self._owners.items() if mark in asked)
        self.calls.setdefault(customer, []).append(step)
        self.total += 1
        return reply


@contextmanager
def served() -> Iterator[tuple[Counting, dict[str, str]]]:
    app = Counting()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    settings = {"APIM_BASE_URL": url, "API_BASE_URL": url, "APIM_SUBSCRIPTION_KEY": "k", "BEARER_TOKEN": "t"}
    try:
        yield app, settings
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def started(folder: Path, database: str, settings: dict[str, str]) -> subprocess.Popen[str]:
    words = ["batch", str(PROCESS), "--inputs", "customers.csv", "--server", "in-process", "--concurrency", "10"]
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "mcp_codegen.orchestrator", *words, "--json", "--database", database],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_and_restarted(folder: Path, database: str, kills: int) -> None:
    rows = [f"{45829374 + number},5698765{number:04}" for number in range(CUSTOMERS)]
    (folder / "customers.csv").write_text("\n".join(["customer_id,msisidn", *rows, ""]))
    chance = random.Random(CUSTOMERS)  # noqa: S311 - repeatable
    expected = CUSTOMERS * 2
    moments = sorted(chance.randrange(1, expected - 10) for _ in range(kills))
    with served() as (app, settings):
        for moment in moments:
            with started(folder, database, settings) as running:
                deadline = time.monotonic() + PATIENCE
                while app.total < moment and running.poll() is None:
                    assert time.monotonic() < deadline
                    time.sleep(0.005)
                running.send_signal(signal.SIGKILL)
        with started(folder, database, settings) as running:
            stdout, stderr = running.communicate(timeout=PATIENCE * 5)
        assert running.returncode == 0, stdout + stderr
        assert json.loads(stdout)["runs"] == {"succeeded": CUSTOMERS}
        results = [json.loads(line) for line in (folder / "customer_billing-customers.jsonl").read_text().splitlines()]
    assert sorted(each["input"]["customer_id"] for each in results) == [45829374 + n for n in range(CUSTOMERS)]
    assert len(app.calls) == CUSTOMERS
    for customer, calls in app.calls.items():
        assert calls == sorted(calls), f"customer {customer}: a step was called again after a later one: {calls}"
    print(f"{CUSTOMERS} customers, {kills} kills: one result each")
    repeated = sum(len(calls) - len(set(calls)) for calls in app.calls.values())
    assert repeated <= kills * 10, "more than the steps in flight at the kills"
    print(f"{app.total} calls, {repeated} of them repeated steps that were in flight at a kill")


def test_a_batch_on_sqlite_that_is_killed_loses_nothing_and_repeats_no_finished_step(tmp_path: Path) -> None:
    killed_and_restarted(tmp_path, "runs.sqlite", KILLS)


def test_a_batch_on_postgresql_that_is_killed_loses_nothing_and_repeats_no_finished_step(tmp_path: Path) -> None:
    with postgresql.served() as url:
        killed_and_restarted(tmp_path, url, KILLS if "ORCHESTRATOR_CRASHES" in os.environ else 1)


def test_a_step_that_a_kill_repeats_carries_the_same_idempotency_key(tmp_path: Path) -> None:
    counter = Counter(held=set(range(1, 21)))
    with listening(counter) as url:
        office = Office(tmp_path, "runs.sqlite", {"ERRANDS_URL": url})
        words = ("batch", ERRANDS, "--inputs", errands(tmp_path, 20), "--concurrency", "10")
        with office.start(*words) as running:
            until(lambda: len(counter.calls) == 10)
            counter.held = set(range(6, 21))
            until(lambda: len(counter.numbers("deliver")) >= 5)
            running.send_signal(signal.SIGKILL)
        counter.held = set()
        assert office.batch("errands.jsonl", "--concurrency", "10")["runs"] == {"succeeded": 20}
    assert len(counter.calls) > 60, "the steps in flight were repeated"
    counter.check()


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_batch_that_is_asked_to_stop_hands_back_what_it_holds_and_goes_on_later(
    tmp_path: Path, number: signal.Signals
) -> None:
    rows = [f"{45829374 + number},5698765{number:04}" for number in range(40)]
    (tmp_path / "customers.csv").write_text("\n".join(["customer_id,msisidn", *rows, ""]))
    with served() as (app, settings):
        with started(tmp_path, "runs.sqlite", settings) as running:
            while app.total < 20 and running.poll() is None:
                time.sleep(0.005)
            running.send_signal(number)
            stdout, stderr = running.communicate(timeout=PATIENCE)
        assert running.returncode == 128 + number, stdout + stderr
        assert json.loads(stdout)["this_time"]["stop"] == "signal"
        with started(tmp_path, "runs.sqlite", settings) as running:
            stdout, stderr = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, stdout + stderr
    assert json.loads(stdout)["runs"] == {"succeeded": 40}
    assert all(len(calls) == len(set(calls)) for calls in app.calls.values()), "nothing was called twice"
