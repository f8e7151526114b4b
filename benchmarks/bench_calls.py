"""What a call costs: a server's CPU for each, and a typed client's, beside raw HTTP and the SDK's own echo.

Each is measured as a whole process that makes or answers many calls, less one of a single call. All call the same
stand-in, in a process of its own; only the echo asks nobody.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import callers, peers
from benchmarks.building import Bench, upstream
from benchmarks.callers import Calls, by_program, over_http, over_stdio
from benchmarks.children import BrokenError
from benchmarks.descriptions import INVOICES, Spec
from benchmarks.figures import FLOOR, OURS, Figure, Found, Missing, figure

SUBJECT: Final = "calls"
CALLS: Final = 1_000
ECHO: Final = "SDK's echo"
FEW, SOME, MANY = IN_FLIGHT = (1, 16, 64)


def measure(bench: Bench) -> Iterator[Found]:
    """Each way to a server: ours, the floor (raw httpx, the same requests), the SDK's echo, and over stdio FastMCP."""
    package = bench.package(Spec("invoices", INVOICES))
    with upstream(bench.catalog(Spec("invoices", INVOICES))) as environ:
        for way, contestants in _ways(bench, package, environ).items():
            costs: dict[str, dict[int, Figure]] = {}
            for contestant, calls in contestants.items():
                bench.say(f"{way}: {contestant}")
                for one in _figures(bench, way, contestant, calls):
                    yield one
                    if isinstance(one, Figure) and "CPU ms" in one.measure:
                        costs.setdefault(contestant, {})[IN_FLIGHT[len(costs.get(contestant, {}))]] = one
            yield from _compared(way, costs)


def _ways(bench: Bench, package: Path, environ: Mapping[str, str]) -> dict[str, dict[str, Calls]]:
    """The contestants of each way to make calls."""
    folder = package.parent
    (url,) = (value for value in environ.values() if value.startswith("http://"))
    ours, echo = [sys.executable, "-m", package.name], [sys.executable, "-c", callers.ECHO_SERVER]
    raw = by_program(callers.RAW, url, folder, environ)
    ways = {
        "server over stdio": {
            OURS: over_stdio(ours, folder, environ),
            FLOOR: raw,
            ECHO: over_stdio(echo, folder, environ),
        },
        "server over HTTP": {
            OURS: over_http(ours, folder, environ),
            FLOOR: raw,
            ECHO: over_http(echo, folder, environ),
        },
        "in process, with the client": {
            OURS: by_program(callers.CLIENT, "in-process", folder, environ),
            FLOOR: raw,
            ECHO: by_program(callers.ECHO_CLIENT, "", folder, environ),
        },
        "typed client and server over stdio": {
            OURS: by_program(callers.CLIENT, "stdio", folder, environ),
            FLOOR: raw,
        },
    }
    if peer := bench.peers.get(peers.FASTMCP.name):
        command: list[str | Path] = [peer.bin / "python", "-c", peers.FASTMCP_SERVER, INVOICES, url]
        ways["server over stdio"][peer.name] = over_stdio(command, folder, environ)
    return ways


def _figures(bench: Bench, way: str, contestant: str, calls: Calls) -> Iterator[Found]:
    try:
        for flight in IN_FLIGHT:
            # What a start costs, and the first call on each connection, is no part of what a call costs.
            start = min(calls(flight, flight).cpu for _ in range(bench.repeats))
            runs = [calls(CALLS + flight, flight) for _ in range(bench.repeats)]
            values = [max(0.0, run.cpu - start) / CALLS * 1000 for run in runs]
            yield figure(SUBJECT, SUBJECT, f"{way}, CPU ms a call, {flight} in flight", contestant, values)
            fastest = max((CALLS + flight) / run.seconds for run in runs)
            yield figure(SUBJECT, SUBJECT, f"{way}, calls a second, {flight} in flight", contestant, [fastest])
    except BrokenError as error:
        yield Missing(SUBJECT, SUBJECT, contestant, str(error))


def _compared(way: str, costs: Mapping[str, Mapping[int, Figure]]) -> Iterator[Figure]:
    """What ours adds to the echo, and what many in flight cost beside some."""
    ours, echo = costs.get(OURS, {}), costs.get(ECHO, {})
    for flight in IN_FLIGHT:
        if flight in ours and flight in echo:
            added = max(0.0, ours[flight].least - echo[flight].least)
            yield figure(SUBJECT, SUBJECT, f"{way}, CPU ms more than the echo, {flight} in flight", OURS, [added])
    for contestant, found in costs.items():
        if contestant != ECHO and SOME in found and MANY in found and found[SOME].least:
            times = found[MANY].least / found[SOME].least
            yield figure(SUBJECT, SUBJECT, f"{way}, CPU of {MANY} in flight / of {SOME}", contestant, [times])
