"""The service is what its description says: schemathesis makes requests from it and looks at each answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.orchestrator.service.conftest import Served, serving

# `SERVICE_EXAMPLES=100` makes so many requests of each kind, through all of schemathesis's phases.
EXAMPLES = os.environ.get("SERVICE_EXAMPLES", "")
PHASES = [] if EXAMPLES else ["--phases", "examples,fuzzing"]


@pytest.mark.parametrize("who", ["", "viewer", "admin"] if EXAMPLES else ["", "admin"])
def test_no_request_meets_an_error_of_the_server_or_an_answer_that_is_not_described(service: Served, who: str) -> None:
    shown = ["--header", f"Authorization: Bearer {service.keys[who]}"] if who else []
    # A stream of events never ends.
    # Nor does a service subscribe strangers to what happens in a test.
    words = ["--checks", "all", "--exclude-path", "/events", "--exclude-operation-id", "add_webhook"]
    words += ["--no-color", "--max-examples", EXAMPLES or "2", *PHASES]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json", *words, *shown]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=service.folder)  # noqa: S603
    assert ended.returncode == 0, ended.stdout


def test_no_request_about_webhooks_meets_an_error_of_the_server(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-work", "--rate", "10000") as served:  # nothing is delivered
        words = ["--checks", "all", "--include-path-regex", "^/(webhooks|deliveries)", "--no-color", *PHASES]
        words += ["--max-examples", EXAMPLES or "2"]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json", *words]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)  # noqa: S603
        assert ended.returncode == 0, ended.stdout
