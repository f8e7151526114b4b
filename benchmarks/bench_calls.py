"""What a call costs: the server's CPU for each over stdio, and the typed client's, against raw HTTP.

The server is measured as a whole process that answers many calls, less one that answers a single one. All call the
same stand-in, in a process of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import children, peers
from benchmarks.building import Bench, upstream
from benchmarks.children import BrokenError
from benchmarks.descriptions import INVOICES, Spec
from benchmarks.figures import FLOOR, OURS, Found, Missing, figure
from benchmarks.sessions import Session

SUBJECT = "calls"
CALLS = 400
IN_FLIGHT = (1, 16, 64)
TOOL, ARGUMENTS = "listInvoices", {"customerId": 45829374, "state": "OPEN", "limit": 20}
PATH = "/customers/45829374/invoices?state=OPEN&limit=20"

MANY = """
import asyncio, sys
async def many(call, times, in_flight):
    waiting = iter(range(times))
    async def work():
        for _ in waiting:
            await call()
    await asyncio.gather(*(work() for _ in range(in_flight)))
times, in_flight = map(int, sys.argv[1:3])
"""
RAW = f"""{MANY}
import httpx
async def main():
    async with httpx.AsyncClient(base_url=sys.argv[3]) as http:
        async def call():
            (await http.get({PATH!r})).raise_for_status().json()
        await many(call, times, in_flight)
asyncio.run(main())
"""
CLIENT = f"""{MANY}
from invoices_mcp.client import InvoicesClient
async def main():
    async with InvoicesClient.in_process() if sys.argv[3] == "in-process" else InvoicesClient.launch() as client:
        await many(lambda: client.list_invoices(customer_id=45829374, state="OPEN", limit=20), times, in_flight)
asyncio.run(main())
"""

Cost = Callable[[int, int], float]
"""CPU seconds of so many calls, so many at once, start included."""


def measure(bench: Bench) -> Iterator[Found]:
    """Server: ours, the floor (raw httpx, the same requests), and FastMCP. Typed client: ours, and the floor."""
    package = bench.package(Spec("invoices", INVOICES))
    with upstream(bench.catalog(Spec("invoices", INVOICES))) as environ:
        (url,) = (value for value in environ.values() if value.startswith("http://"))
        raw = partial(_program, (RAW, url), package.parent, environ)
        server = partial(_server, [sys.executable, "-m", package.name], package.parent, environ)
        ways: dict[str, dict[str, Cost]] = {"server's CPU ms a call": {OURS: server, FLOOR: raw}}
        if peer := bench.peers.get(peers.FASTMCP.name):
            command: list[str | Path] = [peer.bin / "python", "-c", peers.FASTMCP_SERVER, INVOICES, url]
            ways["server's CPU ms a call"][peer.name] = partial(_server, command, package.parent, environ)
        for said, where in (("in process", "in-process"), ("and server over stdio", "stdio")):
            client = partial(_program, (CLIENT, where), package.parent, environ)
            ways[f"typed client {said}, CPU ms a call"] = {OURS: client, FLOOR: raw}
        for way, contestants in ways.items():
            for contestant, cost in contestants.items():
                bench.say(f"{way}: {contestant}")
                yield from _figures(bench, way, contestant, cost)


def _figures(bench: Bench, way: str, contestant: str, cost: Cost) -> Iterator[Found]:
    try:
        start = min(cost(1, 1) for _ in range(bench.repeats))
        for flight in IN_FLIGHT:
            whole = [cost(CALLS + 1, flight) for _ in range(bench.repeats)]
            values = [max(0.0, used - start) / CALLS * 1000 for used in whole]
            yield figure(SUBJECT, SUBJECT, f"{way}, {flight} in flight", contestant, values)
    except BrokenError as error:
        yield Missing(SUBJECT, SUBJECT, contestant, str(error))


def _server(command: Sequence[str | Path], cwd: Path, environ: Mapping[str, str], times: int, in_flight: int) -> float:
    with Session(command, cwd=cwd, environ=environ) as session:
        session.call(TOOL, ARGUMENTS, times, in_flight)
        return session.end().cpu


def _program(program: tuple[str, str], cwd: Path, environ: Mapping[str, str], times: int, in_flight: int) -> float:
    text, word = program
    command = [sys.executable, "-c", text, str(times), str(in_flight), word]
    return children.run(command, cwd=cwd, environ=environ).cpu
