"""Webhooks are delivered until they are accepted, each event under one id, whoever is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from mcp_codegen.orchestrator import cli_webhooks
from mcp_codegen.orchestrator.durable import database, ledger, outbox, tables, transact, workers
from mcp_codegen.orchestrator.webhooks import delivering, destinations, signing, subscriptions
from tests.orchestrator import postgresql
from tests.orchestrator.service.conftest import FAVOURS, PATIENCE, ROOT, ended, is_problem, orchestrate, serving, until
from tests.orchestrator.webhooks.receiving import Receiver, receiving

VARIABLE = "WEBHOOK_SECRET_TEST"
QUICK = "0.2," * 19 + "0.2"
PHONE = "56911112222"
ALLOW = ("--webhooks-allow", "127.0.0.1")


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    made = signing.new_secret()
    monkeypatch.setenv(VARIABLE, made)
    return made


def told(*words: str, cwd: Path) -> Any:
    result = orchestrate(*words, "--json", cwd=cwd)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def add(folder: Path, receiver: Receiver, *words: str) -> str:
    added = told("webhooks", "add", receiver.url, "--secret-env", VARIABLE, *ALLOW, *words, cwd=folder)
    return str(added["id"])


@contextmanager
def deliverer(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", "webhooks", "deliver", *ALLOW, "--recovery-time", "3"]
    where = [] if "--database" in words else ["--database", str(folder / "orchestrator.sqlite")]
    program = subprocess.Popen(  # noqa: S603 - ours
        [*command, "--webhooks-backoff", QUICK, *where, *words], env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    try:
        yield program
    finally:
        program.terminate()
        program.wait(PATIENCE)


@contextmanager
def worker(folder: Path, url: str) -> Iterator[None]:
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", "worker", str(FAVOURS), "--server", "in-process"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    words = ["--webhooks", *ALLOW, "--database", url]
    program = subprocess.Popen([*command, *words], env=environ, cwd=folder)  # noqa: S603 - ours
    try:
        yield
    finally:
        program.terminate()
        assert program.wait(PATIENCE) == 0


def batch(folder: Path, hows: list[str]) -> None:
    rows = [{"number": number, "phone": PHONE, "how": how} for number, how in enumerate(hows, 1)]
    file = folder / "favours.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    results = ["--results", str(folder / "results.json")]
    words = ["batch", str(FAVOURS), "--inputs", str(file), "--key", "number", "--server", "in-process", *results]
    assert orchestrate(*words, cwd=folder).exit_code in (0, 1)


def test_who_fails_twice_gets_each_event_once_though_one_of_two_deliverers_is_killed(
    tmp_path: Path, secret: str
) -> None:
    def twice(_event: str, times: int) -> int:
        return 503 if times < 2 else 204

    expected = Counter({"run.succeeded": 5, "run.failed": 1, "step.failed": 1, "batch.finished": 1})
    with receiving(secret, answer=twice) as receiver, ExitStack() as stack:
        add(tmp_path, receiver, *(f"--on={kind}" for kind in expected))
        add(tmp_path, receiver, "--on=run.failed", "--process=another")
        batch(tmp_path, ["well"] * 5 + ["missing"])
        receiver.hold.clear()
        killed, _ = [stack.enter_context(deliverer(tmp_path)) for _ in range(2)]
        until(lambda: receiver.tries.total() >= 8)
        killed.send_signal(signal.SIGKILL)
        receiver.hold.set()
        until(lambda: receiver.kinds().total() >= 8)
        until(lambda: {each["state"] for each in deliveries(tmp_path)} == {"delivered"})
        assert receiver.kinds() == expected
        assert len(set(receiver.ids())) == 8
        assert max(receiver.tries.values()) <= 4, "two failures, an acceptance, and one that was cut off"
        failed = next(each for each in receiver.accepted if each["type"] == "run.failed")
        assert failed["data"]["error"]["code"] == "not_found"
        assert failed["data"]["failed_step"] == "fetch"
        assert PHONE not in json.dumps(receiver.accepted)


def deliveries(folder: Path) -> Any:
    return told("webhooks", "deliveries", cwd=folder)


def children(program: int) -> list[int]:
    listed = Path(f"/proc/{program}/task").glob("*/children")
    return [int(word) for each in listed for word in each.read_text("ascii").split()]


def test_a_service_that_is_killed_loses_no_event(tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--webhooks-allow", "127.0.0.1", "--webhooks-backoff", "1," * 20 + "1", "--rate", "10000")
    monkeypatch.setenv("ORCHESTRATOR_WEBHOOKS_RECOVERY_TIME", "3")
    down = [True]
    with receiving(secret, answer=lambda _event, _times: 503 if down[0] else 204) as receiver:
        order = {"url": receiver.url, "events": ["run.succeeded"], "secret_env": VARIABLE}
        with serving(tmp_path, *words) as served, served.client() as client:
            assert is_problem(client.post("/webhooks", json=order | {"url": "https://169.254.169.254/"}), 403)
            assert is_problem(client.post("/webhooks", json=order | {"secret_env": "HOME"}), 422)
            added = client.post("/webhooks", json=order)
            assert (added.status_code, added.json()["secret"]) == (201, None)
            webhook = added.json()["id"]
            for name in ("one", "two"):
                run = {"process": "favours", "input": {"number": 1, "phone": PHONE}}
                assert client.put(f"/runs/{name}", json=run).status_code == 201
                assert ended(client, name)["status"] == "succeeded"
            until(lambda: receiver.tries.total() >= 2)
            programs = [*children(served.program.pid), served.program.pid]
            for program in programs:
                os.kill(program, signal.SIGKILL)
            served.program.wait(PATIENCE)
        down[0] = False
        with serving(tmp_path, *words) as served, served.client() as client:
            until(lambda: len(receiver.accepted) == 2)
            seen = until(lambda: client.get(f"/webhooks/{webhook}/deliveries", params={"state": "delivered"}).json())
            until(lambda: not [each for each in deliveries(tmp_path) if each["state"] != "delivered"])
            assert {each["type"] for each in seen["deliveries"]} <= {"run.succeeded"}
            assert {each["data"]["run_id"] for each in receiver.accepted} == {"one", "two"}
            assert client.post(f"/webhooks/{webhook}/test").status_code == 202
            until(lambda: receiver.kinds()["webhook.test"] == 1)
            assert client.patch(f"/webhooks/{webhook}", json={"enabled": False}).json()["enabled"] is False
            assert is_problem(client.post(f"/deliveries/{seen['deliveries'][0]['id']}/redeliver"), 409, "wrong_state")
            assert client.delete(f"/webhooks/{webhook}").status_code == 204
            assert is_problem(client.get(f"/webhooks/{webhook}"), 404, "unknown_webhook")


def test_a_deliverer_and_a_worker_on_postgresql_send_each_event_once(tmp_path: Path, secret: str) -> None:
    with receiving(secret) as receiver, postgresql.served() as url, ExitStack() as stack:
        kept = database.connect(url)
        ledger.prepare(kept)
        allow = destinations.allowed(["127.0.0.1"])
        subscriptions.add(kept, receiver.url, ["alert"], VARIABLE, allow=allow)
        stack.enter_context(deliverer(tmp_path, "--database", url))
        stack.enter_context(worker(tmp_path, url))
        until(lambda: len(workers.living(kept, delivering.QUEUE)) == 2)
        for number in range(60):
            outbox.alert(kept, rule=f"rule {number}", state="firing", severity="warning", message="x")
        until(lambda: len(receiver.accepted) >= 60)
        until(lambda: {row.state for row in subscriptions.found(kept)} == {"delivered"})
        assert len(receiver.tries) == 60
        assert set(receiver.tries.values()) == {1}
        kept.dispose()


def test_what_is_given_up_is_listed_and_sent_again_under_its_id_and_gone_receivers_are_left_alone(
    tmp_path: Path, secret: str
) -> None:
    status = [500]
    with receiving(secret, answer=lambda _event, _times: status[0]) as receiver:
        webhook = add(tmp_path, receiver, "--on", "alert")
        kept = database.connect(str(tmp_path / "orchestrator.sqlite"))
        for _ in range(2):
            outbox.alert(kept, rule="stalled", state="firing", severity="critical", message="no end", key="stalled:1")
        with deliverer(tmp_path, "--webhooks-backoff", "0.1"):
            (dead,) = until(lambda: told("webhooks", "dead", cwd=tmp_path))
            assert (dead["attempts"], dead["status"]) == (2, 500)
            assert "56911112222" not in dead["problem"]
            status[0] = 204
            assert told("webhooks", "redeliver", dead["id"], cwd=tmp_path) == {"redelivered": 1}
            until(lambda: receiver.ids() == [dead["event"]])
            status[0] = 410
            told("webhooks", "test", webhook, cwd=tmp_path)
            until(lambda: told("webhooks", "dead", cwd=tmp_path))
            (listed,) = told("webhooks", "list", cwd=tmp_path)
            assert (listed["enabled"], listed["disabled_because"]) == (False, "the receiver answered 410 Gone")
            outbox.alert(kept, rule="stalled", state="resolved", severity="info", message="over")
            assert len(deliveries(tmp_path)) == 2, "who is gone is told of nothing more"
            status[0] = 204
            assert told("webhooks", "redeliver", webhook, cwd=tmp_path) == {"redelivered": 1}
            until(lambda: receiver.kinds()["webhook.test"] == 1)
        assert told("webhooks", "remove", webhook, cwd=tmp_path)["id"] == webhook
        assert deliveries(tmp_path) == []


def test_what_can_be_subscribed_to_is_what_is_noted(tmp_path: Path) -> None:
    assert cli_webhooks.KINDS == outbox.KINDS
    refused = orchestrate("webhooks", "add", "https://example.com", "--on", "run.began", cwd=tmp_path)
    assert refused.exit_code == 2


def test_a_secret_is_shown_once_and_kept_nowhere_and_two_sign_while_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    words = ("webhooks", "add", "https://example.com/x", "--on", "alert", "--secret-env")
    secret = told(*words, VARIABLE, cwd=tmp_path)["secret"]
    assert secret.startswith("whsec_")
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert secret.removeprefix("whsec_").encode() not in kept
    assert orchestrate(*words, "AWS_SECRET_ACCESS_KEY", cwd=tmp_path).exit_code == 2
    monkeypatch.setenv(VARIABLE, "a password")
    refused = orchestrate(*words, VARIABLE, cwd=tmp_path)
    assert refused.exit_code == 2
    assert "a password" not in refused.stderr
    fresh = signing.new_secret()
    sent = signing.headers("evt_1", "{}", signing.secrets_of(VARIABLE, {VARIABLE: f"{fresh} {secret}"}))
    for each in (fresh, secret):
        Webhook(each).verify("{}", sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify("{}", sent)


def test_an_event_is_there_when_its_run_has_ended_and_is_noted_once(tmp_path: Path, secret: str) -> None:
    with receiving(secret) as receiver:
        add(tmp_path, receiver, "--on", "run.succeeded")
        batch(tmp_path, ["well"])
    kept = database.connect(str(tmp_path / "orchestrator.sqlite"))
    with kept.connect() as connection:
        (run,) = connection.scalars(sa.select(tables.runs.c.run_id)).all()
    with transact.history(kept) as history:
        assert history is not None
        ledger.finish(kept, history.records([run])[run])  # as after a kill between our note and the engine's
    assert len(deliveries(tmp_path)) == 1


@pytest.mark.anyio
async def test_the_engine_forgets_what_was_done_long_ago(tmp_path: Path) -> None:
    kept = database.connect(str(tmp_path / "orchestrator.sqlite"))
    done = list[str]()

    async def perform(errand: str) -> None:
        done.append(errand)

    async with transact.errands(kept, "an-errand", perform, concurrency=2) as errands:

        def put() -> None:
            with kept.begin() as connection:
                errands.put(connection, "once")

        def remembered() -> int:
            query = sa.text("SELECT count(*) FROM workflow_status WHERE name = 'an-errand' AND status = 'SUCCESS'")
            with kept.connect() as connection:
                return int(connection.execute(query).scalar_one())

        for _ in range(2):
            await asyncio.to_thread(put)
        await asyncio.to_thread(until, lambda: remembered() == 1)
        await asyncio.to_thread(errands.forget)
        assert remembered() == 1
        await asyncio.to_thread(errands.forget, -60.0)
        assert remembered() == 0
    assert done == ["once"]
