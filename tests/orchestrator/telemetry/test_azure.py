"""Azure Monitor, by its connection string."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.orchestrator.counting import ERRANDS, PATIENCE, Counter, listening, until
from tests.orchestrator.telemetry.conftest import SOON, serving

KEY = "00000000-0000-0000-0000-0000000000ab"


@pytest.fixture
def ingestion() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What Azure Monitor's ingestion gets."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            told = json.loads(body)
            got.extend(told)
            answer = json.dumps({"itemsReceived": len(told), "itemsAccepted": len(told), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()


def test_runs_and_metrics_reach_azure_monitor_in_one_operation(
    tmp_path: Path, ingestion: tuple[str, list[dict[str, Any]]]
) -> None:
    pytest.importorskip("azure.monitor.opentelemetry.exporter", reason="the extra [azure] is not installed")
    url, got = ingestion
    environ = SOON | {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={KEY};IngestionEndpoint={url}",
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }

    def named(name: str) -> list[dict[str, Any]]:
        return [each for each in got if each["data"]["baseData"].get("name", "") == name]

    with (
        listening(Counter()) as upstream,
        serving(tmp_path, ERRANDS, "--server", "in-process", ERRANDS_URL=upstream, **environ) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
    ):
        client.put("/runs/one", json={"process": "errands", "input": {"number": 1}})
        until(lambda: named("PUT /runs/{run_id}") and named("run errands") and named("step deliver"))
        until(lambda: [each for each in got if "orchestrator.runs" in json.dumps(each["data"])])
    spans = [*named("PUT /runs/{run_id}"), *named("run errands"), *named("step deliver")]
    assert len({span["tags"]["ai.operation.id"] for span in spans}) == 1
    assert {span["iKey"] for span in spans} == {KEY}
