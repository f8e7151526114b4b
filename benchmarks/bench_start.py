"""What a start costs: the generated server until `tools/list` is answered, and a generation, against their floors."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from benchmarks.standin import CATALOG

RUNS = 5
LIST_TOOLS = """
import anyio
from mcp import Client
from telefonica_mcp.server import create_server
async def main():
    async with Client(create_server({})) as client:
        assert (await client.list_tools()).tools
anyio.run(main)
"""


def main() -> Mapping[str, float]:
    """Ratios of CPU seconds of whole processes, each the median of several."""
    with tempfile.TemporaryDirectory() as out:
        generate = [sys.executable, "-m", "mcp_codegen", "generate", str(CATALOG), "--out", out]
        cold = _cpu(generate)
        check = _cpu([*generate, "--check"])
    nothing = _cpu([sys.executable, "-c", "pass"])
    sdk = _cpu([sys.executable, "-c", "from mcp import Client; from mcp.server import MCPServer"])
    tools = _cpu([sys.executable, "-c", "import black, jinja2, pydantic, jsonschema, click"])
    listed = _cpu([sys.executable, "-c", LIST_TOOLS])
    return {
        "server until tools/list is answered / import of the SDK": listed / sdk,
        "generate / import of the libraries that it uses": cold / tools,
        "generate --check / generate": check / cold,
        "import of the SDK / empty Python": sdk / nothing,
    }


def _cpu(command: list[str]) -> float:
    """CPU seconds of a command, its children included."""
    return statistics.median(_once(command) for _ in range(RUNS))


def _once(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
