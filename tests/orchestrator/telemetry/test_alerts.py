"""Alerts: what is one, when it is told, and that it is told once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from mcp_codegen.orchestrator.alerting import conditions, rules, states
from mcp_codegen.orchestrator.alerting.watching import Watch
from mcp_codegen.orchestrator.durable import batch_ledger, ledger, streaks, tables
from mcp_codegen.orchestrator.durable import database as databases
from mcp_codegen.orchestrator.record import ErrorRecord, RunRecord, StepRecord, now
from mcp_codegen.orchestrator.webhooks import signing
from tests.orchestrator.conftest import ROOT
from tests.orchestrator.counting import ERRANDS, PATIENCE, listening, until
from tests.orchestrator.service.conftest import orchestrate
from tests.orchestrator.telemetry.conftest import serving
from tests.orchestrator.webhooks.receiving import receiving

MINUTE = 60_000
NOW = 1_800_000_000_000


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    found = databases.connect(str(tmp_path / "runs.sqlite"))
    ledger.prepare(found)
    return found


def read(tmp_path: Path, text: str) -> rules.Rules:
    file = tmp_path / "alerts.yaml"
    file.write_text(text, "utf-8")
    return rules.read(file)


def ran(kept: Any, status: str, *, many: int = 1, ago: int = 0, took: int = 1_000, code: str = "timed_out") -> None:
    """Runs that ended so long before NOW, in milliseconds."""
    with kept.begin() as connection:
        start = connection.execute(tables.runs.select()).all()
        values = [
            {
                "run_id": f"run-{len(start) + number}",
                "process": "billing",
                "queue": "billing",
                "created_ms": NOW - ago - took,
                "started_ms": NOW - ago - took,
                "ended_ms": NOW - ago,
                "status": status,
                "error_code": code if status == "failed" else None,
            }
            for number in range(many)
        ]
        connection.execute(tables.runs.insert(), values)


class Heard(list[tuple[str, str]]):
    """What destinations were told; a deaf one hears nothing."""

    deaf = False

    def send(self, name: str, what: Any) -> bool:
        if not self.deaf:
            self.append((name, what.state))
        return not self.deaf


def test_a_failure_rate_is_told_once_and_again_when_it_has_become_low(tmp_path: Path, kept: Any) -> None:
    text = """
destinations: {oncall: ONCALL_URL, chat: CHAT_URL}
rules:
  - {name: failing, when: failure_rate, above: 0.4, until: 0.1, window: 10m, least: 5, for: 1m, notify: [oncall]}
"""
    heard = Heard()
    watch = Watch(kept, read(tmp_path, text), heard.send)
    ran(kept, "succeeded", many=5)
    ran(kept, "failed", many=5)
    watch.look(NOW)
    assert heard == [], "it has to last a minute"
    watch.look(NOW + MINUTE)
    assert heard == [("oncall", "firing")]
    again = Watch(kept, watch.rules, heard.send)
    again.look(NOW + 2 * MINUTE)
    assert heard == [("oncall", "firing")], "a restart repeats nothing"
    ran(kept, "succeeded", many=20, ago=-2 * MINUTE)
    again.look(NOW + 3 * MINUTE)
    assert heard == [("oncall", "firing")], "a fifth is less than 0.4, and more than 0.1"
    ran(kept, "succeeded", many=40, ago=-3 * MINUTE)
    again.look(NOW + 4 * MINUTE)
    assert heard == [("oncall", "firing"), ("oncall", "resolved")]
    again.look(NOW + 5 * MINUTE)
    assert len(heard) == 2


def test_who_does_not_answer_is_told_later_and_who_answered_is_not_told_again(tmp_path: Path, kept: Any) -> None:
    text = """
destinations: {one: ONE_URL, two: TWO_URL}
rules: [{name: lost, when: failure, codes: [worker_lost], severity: critical}]
"""
    heard: list[str] = []
    down = {"two"}

    def send(name: str, _: Any) -> bool:
        if name in down:
            return False
        heard.append(name)
        return True

    watch = Watch(kept, read(tmp_path, text), send)
    ran(kept, "failed", code="worker_lost")
    watch.look(NOW)
    assert heard == ["one"], "a critical one is told at once"
    down.clear()
    Watch(kept, watch.rules, send).look(NOW + MINUTE)
    assert heard == ["one", "two"], "what was not told is not forgotten"
    watch.look(NOW + 2 * MINUTE)
    assert heard == ["one", "two"]


def test_listeners_such_as_webhooks_hear_of_each_change_with_an_id_of_its_own(tmp_path: Path, kept: Any) -> None:
    heard: list[Any] = []
    one = read(tmp_path, "rules: [{name: failing, when: failure, window: 5m}]")
    watch = Watch(kept, one, lambda *_: True, [heard.append])
    ran(kept, "failed")
    for minute in (0, 1, 6, 7):
        watch.look(NOW + minute * MINUTE)
    assert [notice.state for notice in heard] == ["firing", "resolved"]
    assert len({notice.id for notice in heard}) == 2


def finished(key: str, code: str | None) -> RunRecord:
    error = ErrorRecord(code=code, message="45829374") if code else None
    step = StepRecord(
        timestamp=now(), step=1, key=key, title=key, status="error" if error else "success", error=error, attempts=1
    )
    return RunRecord(
        process="billing",
        title="",
        run_id="r",
        status="succeeded",
        started_at=now(),
        finished_at=now(),
        duration=0,
        input={},
        steps=(step,),
    )


def note(kept: Any, record: RunRecord) -> None:
    with kept.begin() as connection:
        streaks.note(connection, kept, record)


def test_failures_in_a_row_of_one_api_count_over_runs_also_where_the_process_goes_on(tmp_path: Path, kept: Any) -> None:
    (rule,) = read(tmp_path, "rules: [{name: api, when: consecutive_failures, count: 3}]").rules
    for code in ("timed_out", "timed_out", None, "timed_out", "timed_out"):
        note(kept, finished("debt", code))
    assert not [each for each in conditions.look(kept, rule, NOW) if each.bad]
    note(kept, finished("debt", "unreachable"))
    (found,) = [each for each in conditions.look(kept, rule, NOW) if each.bad]
    assert found.subject == "billing/debt"
    assert "3 times in a row" in found.text
    assert "45829374" not in found.text
    note(kept, finished("debt", None))
    assert [each.over for each in conditions.look(kept, rule, NOW)] == [True]


def test_a_circuit_that_is_open_a_batch_that_stands_still_and_slow_runs_are_found(tmp_path: Path, kept: Any) -> None:
    text = """
rules:
  - {name: circuit, when: circuit_open}
  - {name: stalled, when: batch_stalled, after: 10m}
  - {name: slow, when: latency, above: 30s, quantile: 0.5, least: 4}
"""
    circuit, stalled, slow = read(tmp_path, text).rules
    note(kept, finished("debt", "suspended"))
    assert [each.bad for each in conditions.look(kept, circuit, ledger.milliseconds())] == [True]
    assert [each.over for each in conditions.look(kept, circuit, ledger.milliseconds() + 6 * MINUTE)] == [True]
    batch_ledger.begin(kept, "nightly", process="billing", source="", mock=False)
    with kept.begin() as connection:
        ledger.add(connection, kept, "nightly", "billing", [ledger.Row("nightly:1", 1, {})], queue="billing")
    then = ledger.milliseconds()
    assert [each.bad for each in conditions.look(kept, stalled, then + 5 * MINUTE)] == [False]
    assert [each.bad for each in conditions.look(kept, stalled, then + 11 * MINUTE)] == [True]
    ran(kept, "succeeded", many=2, took=1_000)
    ran(kept, "succeeded", many=3, took=40_000)
    assert [each.bad for each in conditions.look(kept, slow, NOW)] == [True]


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """Where apprise posts JSON to."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}/", got
    server.shutdown()


RULES = """
destinations: {oncall: ALERT_URL_ONCALL}
rules: [{name: broken, when: consecutive_failures, count: 1, severity: critical}]
"""


def alerts(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", "alerts", *words]
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environ
    return subprocess.run(  # noqa: S603 - ours
        command, check=False, capture_output=True, text=True, cwd=folder, env=variables
    )


def test_the_service_tells_of_a_failing_api_through_apprise_and_webhooks_and_not_again_after_a_restart(
    tmp_path: Path, receiver: tuple[str, list[Any]]
) -> None:
    pytest.importorskip("apprise")
    url, got = receiver

    async def broken(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    (tmp_path / "alerts.yaml").write_text(RULES, "utf-8")
    secret = signing.new_secret()
    allow = ("--webhooks-allow", "127.0.0.1")
    with listening(broken) as upstream, receiving(secret) as hook:
        environ = {"ERRANDS_URL": upstream, "ALERT_URL_ONCALL": url, "WEBHOOK_SECRET_TEST": secret}
        subscribe = ("webhooks", "add", hook.url, "--on", "alert", "--secret-env", "WEBHOOK_SECRET_TEST", *allow)
        assert orchestrate(*subscribe, cwd=tmp_path).exit_code == 0
        words = (ERRANDS, "--server", "in-process", "--alerts", "alerts.yaml", *allow)
        with serving(tmp_path, *words, **environ) as service:
            with httpx.Client(base_url=service.url, timeout=PATIENCE) as client:
                client.put("/runs/one", json={"process": "errands", "input": {"number": 1}})
            until(lambda: got and hook.accepted)
        with (
            serving(tmp_path, *words, **environ) as service,
            httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
        ):
            started = client.put("/runs/two", json={"process": "errands", "input": {"number": 2}})
            assert started.status_code == 201, started.text + "".join(service.said)
            until(lambda: client.get("/runs/two").json()["ended_at"])
    (what,), (event,) = got, hook.accepted
    assert event["type"] == "alert"
    assert (event["data"]["rule"], event["data"]["state"]) == ("broken", "firing")
    assert "broken" in what["title"]
    assert "errands: the step fetch failed" in what["message"]
    listed = json.loads(alerts(tmp_path, "list", "--firing", "--json").stdout)
    assert [(each["rule"], each["subject"]) for each in listed] == [("broken", "errands/fetch")]
    checked = alerts(tmp_path, "check", "--rules", "alerts.yaml", ALERT_URL_ONCALL=url)
    assert "1 would be an alert now" in checked.stdout, checked.stderr
    assert alerts(tmp_path, "test", "--rules", "alerts.yaml", ALERT_URL_ONCALL=url).returncode == 0
    assert got[-1]["message"] == "This is a test."


def test_what_is_wrong_with_a_file_of_rules_is_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(
        "rules:\n- {name: a, when: failure_rate, above: 3}\n- {name: b, when: latency, above: soon}\n"
        "- {name: c, when: failure, notify: [nobody]}\n",
        "utf-8",
    )
    told = alerts(tmp_path, "check", "--rules", "alerts.yaml")
    assert told.returncode == 2
    assert "rule a: above" in told.stderr
    assert "rule b: above: give a number and s, m, h or d" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_destination_without_a_url_is_told_by_the_name_of_its_variable(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text(RULES, "utf-8")
    told = alerts(tmp_path, "test", "--rules", "alerts.yaml")
    assert told.returncode == 2
    assert "ALERT_URL_ONCALL is not set" in told.stderr


def test_an_alert_that_never_lasted_is_not_told(tmp_path: Path, kept: Any) -> None:
    heard = Heard()
    one = read(tmp_path, "destinations: {a: A}\nrules: [{name: f, when: failure, window: 1m, for: 5m}]")
    watch = Watch(kept, one, heard.send)
    ran(kept, "failed")
    for minute in range(8):
        watch.look(NOW + minute * MINUTE)
    assert heard == []
    assert [alert.told_ms for alert in states.every(kept)] == [None]


def test_the_example_in_the_documents_is_a_good_file_with_a_rule_of_each_kind() -> None:
    example = rules.read(ROOT / "docs" / "monitoring" / "alerts.yaml")
    kinds = {"failure_rate", "consecutive_failures", "failure", "circuit_open", "batch_stalled", "latency"}
    assert {rule.when for rule in example.rules} == kinds
