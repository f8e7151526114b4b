"""One trace, from the request to the service to the request to the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.orchestrator.counting import PATIENCE, until
from tests.orchestrator.telemetry.conftest import BILLING, SOON, Collector, serving
from tests.orchestrator.telemetry.upstream import Upstream

CUSTOMER = {"customer_id": 45829374, "msisidn": "56987654321"}
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = CALLER.split("-")[1]


def lineage(collector: Collector, name: str) -> list[str]:
    """The names of a span and of all that it is in, the innermost first."""
    by_id = {span.id: span for span in collector.spans}
    span = next(span for span in collector.spans if span.name == name and span.trace == TRACE)
    names = [span.name]
    while span.parent in by_id:
        span = by_id[span.parent]
        names.append(span.name)
    return names


def test_one_trace_joins_request_run_step_mcp_and_upstream(
    tmp_path: Path, collector: Collector, upstream: Upstream
) -> None:
    environ = SOON | upstream.settings | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with (
        serving(tmp_path, BILLING, "--server", "stdio", **environ) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
    ):
        order: dict[str, Any] = {"process": "customer_billing", "input": CUSTOMER}
        assert client.put("/runs/first", json=order, headers={"traceparent": CALLER}).status_code == 201
        until(lambda: client.get("/runs/first").json()["ended_at"])
        rows = {"process": "customer_billing", "batch": "many", "rows": [CUSTOMER]}
        assert client.post("/batches", json=rows).status_code == 202
        until(lambda: len(collector.named("run customer_billing")) == 2)
        until(lambda: any(span.trace == TRACE and span.name.startswith("GET ") for span in collector.spans))
        until(lambda: {"orchestrator.runs", "orchestrator.step.duration"} <= collector.metrics)
        until(lambda: collector.named("step invoices") and "http.client.request.duration" in collector.metrics)
    of_upstream = next(s for s in collector.spans if s.trace == TRACE and s.name.startswith("GET "))
    chain = lineage(collector, of_upstream.name)
    assert chain[-2:] == ["run customer_billing", "PUT /runs/{run_id}"]
    assert chain[-3].startswith("step ")
    assert chain[-4].startswith("MCP send tools/call ")
    assert chain[-5].startswith("tools/call ")
    assert chain[-6:-5] == [of_upstream.name]
    assert of_upstream.service != "mcp-orchestrator-worker", "the server is a process of its own"
    sent = {header.split("-")[1]: header.split("-")[2] for header in upstream.traceparents}
    assert sent[TRACE] in {span.id for span in collector.spans}, "the upstream is told of the span of its request"

    first, second = sorted(collector.named("run customer_billing"), key=lambda span: span.trace != TRACE)
    assert first.attributes["orchestrator.run.id"] == "first"
    assert first.attributes["orchestrator.run.outcome"] == "succeeded"
    (submission,) = collector.named("POST /batches")
    assert second.trace != submission.trace
    assert second.links == (submission.trace,), "each run of a batch has a trace of its own, with a link to its origin"
    everything = "".join(span.whole for span in collector.spans)
    assert not [word for word in ("45829374", "56987654321", *upstream.secrets) if word in everything]


def test_a_step_span_tells_of_its_attempts_and_its_error_code(
    tmp_path: Path, collector: Collector, upstream: Upstream
) -> None:
    upstream.status = 503
    settings = {f"{name}_ATTEMPTS": "1" for name in upstream.gateways}
    environ = SOON | upstream.settings | settings | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with (
        serving(tmp_path, BILLING, "--server", "in-process", **environ) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
    ):
        client.put("/runs/second", json={"process": "customer_billing", "input": CUSTOMER})
        until(lambda: [span for span in collector.spans if "retry" in span.events])
    span = next(span for span in collector.spans if "retry" in span.events)
    assert span.attributes["orchestrator.step.outcome"] == "error"
    assert span.attributes["orchestrator.step.attempts"] == len(span.events) + 1
    assert span.attributes["error.type"]
    assert span.attributes["http.response.status_code"] == 503
