"""Many calls, so many at once, of a server over stdio or over HTTP, or by a program: what they cost."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import children
from benchmarks.children import BrokenError
from benchmarks.sessions import Session

TOOL: Final = "listInvoices"
ARGUMENTS: Final = {"customerId": 45829374, "state": "OPEN", "limit": 20}
PATH: Final = "/customers/45829374/invoices?state=OPEN&limit=20"
START_SECONDS: Final = 60.0

MANY: Final = """
import asyncio, sys, time
async def many(call, times, in_flight):
    waiting = iter(range(times))
    async def work():
        for _ in waiting:
            await call()
    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    print(time.perf_counter() - begun)
times, in_flight = map(int, sys.argv[1:3])
"""
RAW: Final = f"""{MANY}
import httpx
async def main():
    async with httpx.AsyncClient(base_url=sys.argv[3]) as http:
        async def call():
            (await http.get({PATH!r})).raise_for_status().json()
        await many(call, times, in_flight)
asyncio.run(main())
"""
CLIENT: Final = f"""{MANY}
from invoices_mcp.client import InvoicesClient
async def main():
    async with InvoicesClient.in_process() if sys.argv[3] == "in-process" else InvoicesClient.launch() as client:
        await many(lambda: client.list_invoices(customer_id=45829374, state="OPEN", limit=20), times, in_flight)
asyncio.run(main())
"""
ECHO: Final = f"""
import sys
from mcp.server.mcpserver import MCPServer
server = MCPServer("echo", log_level="WARNING")
@server.tool()
async def {TOOL}(customerId: int, state: str, limit: int) -> dict[str, object]:
    return {{"customerId": customerId, "state": state, "limit": limit}}
"""
"""The SDK's own server, with a tool of the same arguments that gives them back and asks nobody."""
ECHO_SERVER: Final = f"""{ECHO}
if "--port" in sys.argv:
    port = int(sys.argv[sys.argv.index("--port") + 1])
    server.run("streamable-http", port=port, json_response=True, stateless_http=True)
else:
    server.run("stdio")
"""
ECHO_CLIENT: Final = f"""{ECHO}{MANY}
from mcp import Client
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult
async def main():
    async with Client(server) as client:
        async def call():
            params = CallToolRequestParams(name={TOOL!r}, arguments={ARGUMENTS!r})
            result = await client.session.send_request(CallToolRequest(params=params), CallToolResult)
            assert not result.is_error
        await many(call, times, in_flight)
asyncio.run(main())
"""
HTTP_DRIVER: Final = f"""{MANY}
import aiohttp
async def main():
    headers = {{"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}}
    params = {{"name": {TOOL!r}, "arguments": {ARGUMENTS!r}}}
    asked = {{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}}
    async with aiohttp.ClientSession(headers=headers) as http:
        async def call():
            async with http.post(sys.argv[3], json=asked) as answer:
                told = await answer.json()
                if "result" not in told or told["result"].get("isError"):
                    sys.exit(f"error: a call failed: {{str(told)[:200]}}")
        await many(call, times, in_flight)
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds of the whole process that is measured, and the seconds that its calls took."""

    cpu: float
    seconds: float


Calls = Callable[[int, int], Spent]
"""So many calls, so many at once. Raises `BrokenError`."""


def over_stdio(command: Sequence[str | Path], cwd: Path, environ: Mapping[str, str]) -> Calls:
    """Calls of a server, which is measured."""

    def calls(times: int, in_flight: int) -> Spent:
        with Session(command, cwd=cwd, environ=environ) as session:
            begun = time.perf_counter()
            session.call(TOOL, ARGUMENTS, times, in_flight)
            seconds = time.perf_counter() - begun
            return Spent(session.end().cpu, seconds)

    return calls


def over_http(command: Sequence[str | Path], cwd: Path, environ: Mapping[str, str]) -> Calls:
    """Calls of a server, which is measured; another process makes them."""

    def calls(times: int, in_flight: int) -> Spent:
        port = _free_port()
        words = [*command, "--transport", "http", "--port", str(port)]
        process = children.started(words, cwd=cwd, environ=environ, stdout=subprocess.DEVNULL)
        try:
            _await(process, port)
            driver = by_program(HTTP_DRIVER, f"http://127.0.0.1:{port}/mcp", cwd, environ)
            seconds = driver(times, in_flight).seconds
        except BaseException:
            children.ended(process, kill=True)
            raise
        return Spent(children.ended(process, kill=True).cpu, seconds)

    return calls


def by_program(text: str, word: str, cwd: Path, environ: Mapping[str, str]) -> Calls:
    """Calls that a program makes, which is measured."""

    def calls(times: int, in_flight: int) -> Spent:
        command = [sys.executable, "-c", text, str(times), str(in_flight), word]
        cost, said = children.output(command, cwd=cwd, environ=environ)
        try:
            return Spent(cost.cpu, float(said.splitlines()[-1]))
        except (ValueError, IndexError) as error:
            raise BrokenError(children.reason(said, 1)) from error

    return calls


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    """Until the server takes connections. Raises `BrokenError`."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BrokenError(f"the server {process.pid} did not listen within {START_SECONDS:g} seconds")
