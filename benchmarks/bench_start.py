"""A server's cold start, until `tools/list` is answered: CPU, peak memory, and bytes of the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import children, peers, sessions
from benchmarks.building import Bench
from benchmarks.children import BrokenError
from benchmarks.descriptions import Spec
from benchmarks.figures import FLOOR, OURS, Found, Missing, figure
from benchmarks.sessions import Listed

SUBJECT = "start"
SDK = "from mcp.server import MCPServer"
CPU, MEMORY = "CPU s until tools/list is answered", "peak MB until then"


def measure(bench: Bench) -> Iterator[Found]:
    """Ours, the floor (importing the SDK), and FastMCP, for each description."""
    floor = children.sampled(lambda: children.run([sys.executable, "-c", SDK]), bench.repeats)
    for spec in bench.specs:
        yield from _listed(bench, spec, OURS, partial(_ours, bench, spec))
        yield figure(SUBJECT, spec.name, CPU, FLOOR, [cost.cpu for cost in floor])
        yield figure(SUBJECT, spec.name, MEMORY, FLOOR, [cost.memory for cost in floor])
        if peer := bench.peers.get(peers.FASTMCP.name):
            if spec.is_catalog:
                yield Missing(SUBJECT, spec.name, peer.name, "it reads OpenAPI descriptions, not catalogs")
                continue
            command: list[str | Path] = [
                peer.bin / "python",
                "-c",
                peers.FASTMCP_SERVER,
                spec.file,
                "http://127.0.0.1:9",
            ]
            yield from _listed(bench, spec, peer.name, partial(sessions.listed, command))


def _ours(bench: Bench, spec: Spec) -> Listed:
    package = bench.package(spec)
    return sessions.listed([sys.executable, "-m", package.name], cwd=package.parent)


def _listed(bench: Bench, spec: Spec, contestant: str, start: Callable[[], Listed]) -> Iterator[Found]:
    bench.say(f"{spec.name}: starting {contestant}")
    try:
        costs = children.sampled(start, bench.repeats)
    except BrokenError as error:
        yield Missing(SUBJECT, spec.name, contestant, str(error))
        return
    yield figure(SUBJECT, spec.name, CPU, contestant, [cost.cpu for cost in costs])
    yield figure(SUBJECT, spec.name, MEMORY, contestant, [cost.memory for cost in costs])
    yield figure(SUBJECT, spec.name, "kB of tools/list", contestant, [costs[0].size / 1000])
    yield figure(SUBJECT, spec.name, "kB of the largest tool", contestant, [costs[0].largest / 1000])
    yield figure(SUBJECT, spec.name, "tools", contestant, [costs[0].tools])
