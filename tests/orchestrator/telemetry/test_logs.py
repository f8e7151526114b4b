"""`--log-format json`."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import httpx
import pytest

from mcp_codegen.orchestrator.telemetry import logs
from tests.orchestrator.counting import PATIENCE, until
from tests.orchestrator.telemetry.conftest import BILLING, SOON, Collector, serving
from tests.orchestrator.telemetry.upstream import Upstream


def test_lines_of_json_tell_run_step_and_trace_and_no_personal_data(
    tmp_path: Path, collector: Collector, upstream: Upstream
) -> None:
    customer = {"customer_id": 45829374, "msisidn": "56987654321"}
    environ = SOON | upstream.settings | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with (
        serving(tmp_path, BILLING, "--server", "in-process", "--log-format", "json", **environ) as service,
        httpx.Client(base_url=service.url, timeout=PATIENCE) as client,
    ):
        client.put("/runs/told", json={"process": "customer_billing", "input": customer})
        until(lambda: [line for line in service.said if '"run succeeded"' in line])
    told = [json.loads(line) for line in service.said if line.startswith("{")]
    ended = next(line for line in told if line["message"] == "run succeeded")
    assert (ended["process"], ended["run_id"], ended["level"]) == ("customer_billing", "told", "info")
    steps = {line["step"]: line for line in told if line["message"] == "step succeeded"}
    assert {"invoices", "invoice_link"} <= steps.keys()
    assert {line["trace_id"] for line in steps.values()} == {ended["trace_id"]}
    everything = "".join(service.said)
    assert not [word for word in ("45829374", "56987654321", *upstream.secrets) if word in everything]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdef123456", "***"),
        ("postgresql://me:hunter22@db/runs", "postgresql://me:***@db/runs"),
        ("password=hunter22 was wrong", "password=*** was wrong"),
        ("write to miguel.lopez@example.com", "write to ***"),
        ("call +56987654321 back", "call *** back"),
        ("the worker ended with exit code 75", "the worker ended with exit code 75"),
    ],
)
def test_what_looks_like_a_secret_or_a_person_is_masked(text: str, shown: str) -> None:
    record = logging.LogRecord("library", logging.WARNING, "", 0, "%s", (text,), None)
    assert shown in json.loads(logs.JsonFormatter().format(record))["message"]
    assert not {"hunter22", "abcdef123456", "miguel", "56987654321"} & set(logs.clean(text).replace(":", " ").split())


def test_a_library_s_exception_is_told_by_its_kind_alone() -> None:
    error = ValueError("45829374")
    record = logging.LogRecord("library", logging.ERROR, "", 0, "failed", (), (ValueError, error, None))
    told = json.loads(logs.JsonFormatter().format(record))
    assert told["exception"] == "ValueError"
    assert "45829374" not in json.dumps(told)
