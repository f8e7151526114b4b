"""`/metrics`, the workers' port, and what dashboards and rules in the documents make of it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.orchestrator.conftest import ROOT
from tests.orchestrator.counting import ERRANDS, PATIENCE, Counter, Office, errands, listening, until
from tests.orchestrator.telemetry.conftest import serving

MONITORING = ROOT / "docs" / "monitoring"
RULES, DASHBOARD = MONITORING / "prometheus-rules.yaml", MONITORING / "grafana-dashboard.json"
NAME = re.compile(r"\b((?:orchestrator|http_server|http_client)_[a-z_]+)\b")
UNSEEN = {"http_client_request_duration_seconds"}
"""Of generated servers: this file's process has none."""


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What Prometheus reads of a service that has run two runs, of which one failed, and a batch."""
    folder, counter = tmp_path_factory.mktemp("metrics"), Counter()
    words = (ERRANDS, "--server", "in-process", "--concurrency", "1")
    with (
        listening(counter) as url,
        serving(folder, *words, ERRANDS_URL=url) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
    ):
        client.put("/runs/one", json={"process": "errands", "input": {"number": 1}})
        until(lambda: client.get("/runs/one").json()["ended_at"])
        counter.held = {2}
        client.put("/runs/two", json={"process": "errands", "input": {"number": 2}})
        until(lambda: counter.numbers("fetch") == [1, 2])
        rows = [{"number": 3}, {"number": 4}]
        client.post("/batches", json={"process": "errands", "batch": "low", "rows": rows, "priority": "low"})

        def told() -> str:
            text = client.get("/metrics").text
            found = samples(text)
            ended = found.get("orchestrator_runs_total", [])
            waiting = sum(value for _, value in found.get("orchestrator_database_queue_depth", []))
            return text if ended and waiting == 2 and "orchestrator_runs_in_flight" in found else ""

        until(told)
        yield told()
        counter.held = set()


def test_the_service_tells_of_its_workers_and_of_the_database_apart(scraped: str) -> None:
    found = samples(scraped)
    ((labels, ended),) = found["orchestrator_runs_total"]
    assert labels == {"process": "errands", "outcome": "succeeded", "error_code": "", "worker": "1-errands"}
    assert ended == 1
    steps = {labels["step"]: value for labels, value in found["orchestrator_step_duration_seconds_count"]}
    assert steps == {"fetch": 1, "carry": 1, "deliver": 1}
    assert [value for _, value in found["orchestrator_runs_in_flight"]] == [1]
    assert found["orchestrator_database_queue_depth"] == [({"queue": "errands", "priority": "low"}, 2)]
    states = {labels["state"]: value for labels, value in found["orchestrator_database_runs"]}
    assert states == {"succeeded": 1, "unfinished": 3}
    assert [labels["queue"] for labels, _ in found["orchestrator_database_workers"]] == ["errands"]
    assert found["orchestrator_database_batches"][0][0]["process"] == "errands"
    routes = {labels["http_route"] for labels, _ in found["http_server_request_duration_seconds_count"]}
    assert {"/runs/{run_id}", "/metrics"} <= routes
    assert not re.search(r'="(one|two|low:[^"]*)"', scraped), "ids are no labels"


def exposed(scraped: str) -> set[str]:
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in samples(scraped)} | UNSEEN


def names(expressions: list[str]) -> set[str]:
    return {re.sub(r"_(bucket|sum|count)$", "", name) for text in expressions for name in NAME.findall(text)}


COUNTED_LATER = {"orchestrator_step_retries_total", "orchestrator_upstream_errors_total"}
"""Nothing failed here."""


def test_the_dashboard_shows_only_metrics_that_exist(scraped: str) -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(panels) >= 10
    assert names(expressions) <= exposed(scraped) | COUNTED_LATER
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert not re.search(r'"uid": "[A-Za-z0-9]{9,}"', json.dumps(panels)), "the data source is the one that is chosen"


def test_the_rules_for_prometheus_use_only_metrics_that_exist(scraped: str) -> None:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert names([rule["expr"] for rule in rules]) <= exposed(scraped) | COUNTED_LATER
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed; Debian has it in `prometheus`")
def test_promtool_finds_the_rules_right_and_they_fire_when_they_should(tmp_path: Path) -> None:
    promtool = shutil.which("promtool") or ""
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(MONITORING / "prometheus-rules.test.yaml")]):
        command = [promtool, *words]
        result = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - Debian's
        assert result.returncode == 0, result.stdout + result.stderr


def test_a_worker_answers_prometheus_on_a_port_of_its_own(tmp_path: Path) -> None:
    counter = Counter()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    with listening(counter) as url:
        office = Office(tmp_path, "runs.sqlite", {"ERRANDS_URL": url})
        office.batch(errands(tmp_path, 2), "--submit-only")
        with office.worker("--metrics-port", str(port)):
            until(lambda: len(counter.numbers("deliver")) == 2)

            def ended() -> list[float]:
                text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text
                found = samples(text)
                assert "orchestrator_database_runs" in found
                return [value for _, value in found.get("orchestrator_runs_total", [])]

            until(lambda: ended() == [2])
