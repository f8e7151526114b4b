"""`--mock`: the stand-in of a catalog's APIs serves one run, says why when it cannot, and never outlives it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mcp_codegen.orchestrator.connecting import stand_in
from mcp_codegen.orchestrator.errors import StandInError
from tests.orchestrator.conftest import PARCELS, ROOT, Orchestrate

CATALOG = ROOT / "catalog" / "telefonica" / "api_catalog.json"
GOOD = ("--input", "number=42", "--input", "place=home")


def listens(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(address.hostname), int(address.port or 0))) == 0


@pytest.mark.anyio
async def test_it_listens_on_loopback_as_long_as_it_is_wanted() -> None:
    async with stand_in(CATALOG) as settings:
        assert set(settings) >= {"APIM_BASE_URL", "APIM_SUBSCRIPTION_KEY", "API_BASE_URL", "BEARER_TOKEN"}
        url = settings["APIM_BASE_URL"]
        assert urlsplit(url).hostname == "127.0.0.1"
        assert listens(url)
    assert not listens(url)


@pytest.mark.anyio
async def test_one_that_does_not_start_in_time_is_given_up() -> None:
    with pytest.raises(StandInError, match=r"^the stand-in of the APIs did not start within 0\.001 seconds"):
        async with stand_in(CATALOG, start_seconds=0.001):
            pass


def test_the_server_is_given_its_settings(orchestrate: Orchestrate) -> None:
    result = orchestrate("run", PARCELS, *GOOD, "--mock", str(CATALOG))
    assert result.exit_code == 0
    assert "  Place: http://127.0.0.1:" in result.stdout


def test_a_catalog_that_it_cannot_serve_fails_the_run_with_its_own_words(orchestrate: Orchestrate) -> None:
    Path("api_catalog.json").write_text('{"name": "shop", "apis": 3}')
    result = orchestrate("run", PARCELS, *GOOD, "--mock", "api_catalog.json")
    assert result.exit_code == 1
    assert "✗ The process failed: the stand-in of the APIs ended with exit code 1 before it listened" in result.stdout
    assert "api_catalog.json:1:" in result.stdout
    assert "(stand_in_failed)" in result.stdout
    saved = json.loads(Path("orchestrator_results.json").read_text())
    assert (saved["status"], saved["execution_log"]) == ("failed", [])


def test_it_ends_even_when_the_orchestrator_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - our own command
        [
            sys.executable,
            "-m",
            "mcp_codegen.orchestrator",
            "run",
            PARCELS,
            *GOOD,
            "-i",
            "how=stuck",
            "--mock",
            str(CATALOG),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stderr is not None
        line = ""
        while not line.startswith("stuck with "):
            line = running.stderr.readline()
            assert line or running.poll() is None
        url = line.removeprefix("stuck with ").strip()
        assert listens(url)
        running.send_signal(signal.SIGKILL)
        running.wait(timeout=60)
    deadline = time.monotonic() + 60
    while listens(url):
        assert time.monotonic() < deadline, "the stand-in outlived the orchestrator"
