"""One trace, from the request to the service to the request to the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.orchestrator.counting import PATIENCE, until
from tests.orchestrator.telemetry.conftest import BILLING, SOON, Collector, Service, serving
from tests.orchestrator.telemetry.upstream import Upstream

CUSTOMER = {"customer_id": 45829374, "msisidn": "56987654321"}
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = CALLER.split("-")[1]
API = "POST /api/debt/fixed"
MEASURED = {"orchestrator.runs", "orchestrator.step.duration", "http.client.request.duration"}


def lineage(collector: Collector, name: str) -> list[str]:
    """The names of a span and of all that it is in, the innermost first."""
    by_id = {span.id: span for span in collector.spans}
    span = next(span for span in collector.spans if span.name == name and span.trace == TRACE)
    names = [span.name]
    while span.parent in by_id:
        span = by_id[span.parent]
        names.append(span.name)
    return names


@dataclass(frozen=True)
class Scene:
    """A service that has run one run, and a batch of one."""

    client: httpx.Client
    service: Service
    collector: Collector
    upstream: Upstream


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, collector: Collector, upstream: Upstream) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("traces")
    once = {f"{name}_ATTEMPTS": "1" for name in upstream.gateways}
    environ = SOON | upstream.settings | once | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    words = (BILLING, "--server", "stdio", "--log-format", "json")
    with (
        serving(folder, *words, **environ) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
    ):
        order: dict[str, Any] = {"process": "customer_billing", "input": CUSTOMER}
        assert client.put("/runs/first", json=order, headers={"traceparent": CALLER}).status_code == 201
        until(lambda: client.get("/runs/first").json()["ended_at"])
        rows = {"process": "customer_billing", "batch": "many", "rows": [CUSTOMER]}
        assert client.post("/batches", json=rows).status_code == 202
        until(lambda: len(collector.named("run customer_billing")) == 2)
        until(lambda: any(span.trace == TRACE and span.name == API for span in collector.spans))
        until(lambda: collector.metrics >= MEASURED)
        yield Scene(client, service, collector, upstream)


def test_one_trace_joins_request_run_step_mcp_and_upstream(scene: Scene) -> None:
    collector = scene.collector
    chain = lineage(collector, API)
    assert chain[1].startswith("tools/call ")
    assert chain[2].startswith("MCP send tools/call ")
    assert chain[3].startswith("step ")
    assert chain[4:] == ["run customer_billing", "PUT /runs/{run_id}"]
    of_upstream = next(span for span in collector.spans if span.trace == TRACE and span.name == API)
    assert of_upstream.service == "telefonica", "the server is a process of its own"
    sent = {header.split("-")[1]: header.split("-")[2] for header in scene.upstream.traceparents}
    assert sent[TRACE] in {span.id for span in collector.spans}, "the upstream is told of the span of its request"
    first = next(span for span in collector.named("run customer_billing") if span.trace == TRACE)
    assert first.attributes["orchestrator.run.id"] == "first"
    assert first.attributes["orchestrator.run.outcome"] == "succeeded"


def test_a_run_of_a_batch_has_a_trace_of_its_own_with_a_link_to_its_request(scene: Scene) -> None:
    (submission,) = scene.collector.named("POST /batches")
    second = next(span for span in scene.collector.named("run customer_billing") if span.trace != TRACE)
    assert second.trace != submission.trace
    assert second.links == (submission.trace,)


def test_spans_and_lines_of_the_log_hold_no_inputs_and_no_secrets(scene: Scene) -> None:
    scene.client.get("/ui/sign-in/back", params={"code": "opens-once", "state": "x"})
    until(lambda: scene.collector.named("GET /ui/sign-in/back"))
    everything = "".join([*(span.whole for span in scene.collector.spans), *scene.service.said])
    assert not [
        word for word in ("45829374", "56987654321", "opens-once", *scene.upstream.secrets) if word in everything
    ]


def test_lines_of_the_log_tell_run_step_and_trace(scene: Scene) -> None:
    until(lambda: [line for line in scene.service.said if '"run succeeded"' in line])
    told = [json.loads(line) for line in scene.service.said if line.startswith("{")]
    ended = next(line for line in told if line["message"] == "run succeeded")
    assert (ended["process"], ended["run_id"], ended["level"]) == ("customer_billing", "first", "info")
    steps = [line for line in told if line["message"] == "step succeeded" and line["run_id"] == "first"]
    assert {"invoices", "invoice_link"} <= {line["step"] for line in steps}
    assert {line["trace_id"] for line in [*steps, ended]} == {TRACE}


def test_a_step_span_tells_of_its_attempts_and_its_error_code(scene: Scene) -> None:
    scene.upstream.status = 503
    scene.client.put("/runs/second", json={"process": "customer_billing", "input": CUSTOMER})
    until(lambda: [span for span in scene.collector.spans if "retry" in span.events])
    span = next(span for span in scene.collector.spans if "retry" in span.events)
    assert span.attributes["orchestrator.step.outcome"] == "error"
    assert span.attributes["orchestrator.step.attempts"] == len(span.events) + 1
    assert span.attributes["error.type"]
    assert span.attributes["http.response.status_code"] == 503
