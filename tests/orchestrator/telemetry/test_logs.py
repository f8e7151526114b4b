"""`--log-format json`: what a line holds. That runs and steps have lines is with the traces, which the lines name."""

from __future__ import annotations

import json
import logging

import pytest

from mcp_codegen.orchestrator.telemetry import logs


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
