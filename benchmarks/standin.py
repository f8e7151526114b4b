"""A stand-in of the flagship's APIs in a process of its own, for benchmarks that call."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CATALOG = Path(__file__).parent.parent / "catalog" / "telefonica" / "api_catalog.json"


@contextmanager
def stand_in() -> Iterator[dict[str, str]]:
    """Serve it until the block ends; yields the settings of a server that calls it."""
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(CATALOG), "--port", "0", "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        announced = process.stdout.readline() if process.stdout else ""
        yield json.loads(announced)["environment"]
        process.terminate()
