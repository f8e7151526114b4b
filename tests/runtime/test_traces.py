"""What a process with an SDK of OpenTelemetry and logs of every level records of calls that fail in every way."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.runtime.answers import ECHOES, echo
from tests.runtime.doors import INVOICES, run, settings
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Peer, Received, Upstream

PROGRAM = """
import asyncio, json, logging, sys

logging.basicConfig(level=1, stream=sys.stderr)

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)

from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import ApiError

async def main(arguments, calls):
    async with TelefonicaClient.in_process() as client:
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).setLevel(1)
        for _ in range(calls):
            try:
                await client.call("listado_de_boletas_fija", arguments)
            except ApiError as error:
                print(error.code)

asyncio.run(main(json.loads(sys.argv[1]), int(sys.argv[2])), debug=True)
print("[" + ",".join(span.to_json(indent=None) for span in spans.get_finished_spans()) + "]")
"""


def test_no_trace_and_no_log_of_any_level_has_a_secret_or_an_argument(upstream: Upstream, tmp_path: Path):
    ways = [echo(form, status) for form in ECHOES for status in ("401 Unauthorized", "500 Oh", "302 Found")]
    left = list(ways)

    async def each(request: Received, peer: Peer) -> None:
        await left.pop()(request, peer)

    upstream.answer = each
    words = (sys.executable, "-c", PROGRAM, json.dumps(INVOICES), str(len(ways)))
    ended = run(words, tmp_path, settings(upstream.url) | {"PYTHONPATH": ":".join(sys.path), "PYTHONASYNCIODEBUG": "1"})
    assert ended.returncode == 0, ended.stderr
    spans = json.loads(ended.stdout.splitlines()[-1])
    requests = [span["attributes"] for span in spans if "url.template" in span["attributes"]]
    assert [one["http.response.status_code"] for one in requests] == [302, 500, 401] * len(ECHOES)
    assert "DEBUG" in ended.stderr
    for text in (ended.stdout, ended.stderr):
        assert not leaks(text)
        assert not leaks(text, str(INVOICES["msisidn"]), str(INVOICES["customerId"]))
