from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.orchestrator.conftest import ROOT
from tests.orchestrator.counting import PATIENCE
from tests.orchestrator.telemetry.upstream import Upstream, telefonica

BILLING = str(ROOT / "catalog" / "telefonica" / "customer_billing.py")
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_METRIC_EXPORT_INTERVAL": "500"}


@dataclass(frozen=True)
class Exported:
    """A span as a collector gets it."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    links: tuple[str, ...]
    events: tuple[str, ...]
    service: str
    whole: str


@dataclass
class Collector:
    """A collector that keeps what it gets by OTLP, and an upstream that keeps what it is asked."""

    url: str = ""
    spans: list[Exported] = field(default_factory=list)
    metrics: set[str] = field(default_factory=set)

    def take(self, path: str, body: bytes) -> None:
        if path.endswith("/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = plain(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    self.spans += [read(span, service) for span in scope.spans]
        else:
            for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {metric.name for scope in group.scope_metrics for metric in scope.metrics}

    def named(self, name: str) -> list[Exported]:
        return [span for span in list(self.spans) if span.name == name]


def plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def read(span: Any, service: str) -> Exported:
    return Exported(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=plain(span.attributes),
        links=tuple(link.trace_id.hex() for link in span.links),
        events=tuple(event.name for event in span.events),
        service=service,
        whole=str(span),
    )


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.take(self.path, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with telefonica() as made:
        yield made


@dataclass
class Service:
    url: str
    said: list[str]


@contextmanager
def serving(folder: Path, *words: str, **environ: str) -> Iterator[Service]:
    """`mcp-orchestrator serve`, as a program of its own."""
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", "serve", "--port", "0", *words]
    program = subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'out' / 'telefonica'}"} | environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stderr is not None
    said: list[str] = []
    found = None
    for line in program.stderr:
        said.append(line)
        if found := re.search(r"http://[0-9.]+:\d+", line):
            break
    assert found, said
    thread = threading.Thread(target=lambda: said.extend(program.stderr or ()), daemon=True)
    thread.start()
    try:
        yield Service(found[0], said)
    finally:
        program.terminate()
        program.wait(PATIENCE)
        thread.join(PATIENCE)
