"""What durable processes cost, beside the same calls without durability: CPU, processes a second, memory.

The process is the flagship, its upstream the stand-in in a process of its own. What is measured are whole programs (the
orchestrator and its children) that handle many customers, less one that handles a single one. What PostgreSQL's own
server takes is told apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks import children
from benchmarks.billing_loop import customer
from benchmarks.building import Bench, upstream
from benchmarks.children import BrokenError, Cost
from benchmarks.descriptions import ROOT
from benchmarks.figures import FLOOR, OURS, Found, Missing, figure
from tests.orchestrator import postgresql
from tests.orchestrator.postgresql import UnavailableError

SUBJECT = "processes"
IN_FLIGHT = 30
LATENCY = 20
"""Milliseconds that the upstream takes for an answer."""
PATIENCE = 3600.0
CATALOG = ROOT / "catalog" / "telefonica" / "api_catalog.json"
PROCESS = ROOT / "catalog" / "telefonica" / "customer_billing.py"
ORCHESTRATOR = (sys.executable, "-m", "mcp_codegen.orchestrator")
DATABASE = "ORCHESTRATOR_DATABASE"
BESIDE = {FLOOR: "aiohttp", "httpx's own pool": "httpx"}
"""Raw requests, by contestant: the floor is httpx over the connections that generated servers use."""
ENGINE = "the bare engine"
"""The same calls of the typed client as its steps, on SQLite, without the orchestrator."""
PLAIN = {"client in process": "in-process", "client over stdio": "stdio"}


@dataclass(frozen=True, slots=True)
class Taken(Cost):
    """What a program took; beside its cost the seconds on the clock, and the CPU seconds of the database's server."""

    seconds: float
    server: float = 0.0
    floor: float = 0.0
    """CPU ms a customer of the floor in the same minutes, where it was measured."""


Take = Callable[[int], Taken]
"""Handles so many customers. Raises `BrokenError`."""

CPU, RATE, MEMORY, SERVER = "CPU ms a process", "processes a second", "peak MB", "CPU ms a process in the server"
TIMES, GROWTH, RISE = "times the floor's CPU", "MB that memory grew", "times the CPU a process"

PACE = 1000
"""Customers that tell the floor's cost of the moment, in seconds."""

Costs = Mapping[tuple[str, int], Sequence[float]]
"""Several runs of a way, by measure and number of customers; what the start takes is left out, but of memory."""


class Floor:
    """What the floor costs just now: a machine that others use too may become half as fast within minutes.

    Where it breaks, UnavailableError is raised: what is compared with it has not failed.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._start = min(self._took(1) for _ in range(2))
        self._last = self._now()

    def _now(self) -> float:
        return 1000 * max(0.0, self._took(PACE) - self._start) / (PACE - 1)

    def _took(self, many: int) -> float:
        try:
            return self._take(many).cpu
        except BrokenError as error:
            raise UnavailableError(f"the floor beside it: {error}") from error

    def since(self) -> float:
        """CPU ms a customer: the mean of what it was the last time and is now."""
        last, self._last = self._last, self._now()
        return max(0.01, (last + self._last) / 2)


def measure(bench: Bench) -> Iterator[Found]:
    """Raw requests, the typed client, the bare engine, and durable runs on each database."""
    with served() as environ:
        beside: dict[str, Take] = {name: partial(loop, environ, way) for name, way in BESIDE.items()}
        beside[ENGINE] = partial(on_engine, environ, bench.work)
        plain: dict[str, Take] = {name: partial(loop, environ, way) for name, way in PLAIN.items()}
        durable: dict[str, Take] = {
            "SQLite": partial(on_sqlite, environ, bench.work),
            "PostgreSQL, 1 worker": partial(on_postgresql, environ, bench.work, 1),
            "PostgreSQL, 2 workers": partial(on_postgresql, environ, bench.work, 2),
        }
        measured: dict[str, Costs] = {}
        for name, take in (beside | plain | durable).items():
            try:
                floor = Floor(beside[FLOOR]) if name in durable and FLOOR in measured else None
                measured[name] = costs_of(bench, name, take, floor)
            except BrokenError as error:
                yield Missing(SUBJECT, "", name if name in beside else OURS, f"{name}: {error}")
            except UnavailableError as error:
                yield Missing(SUBJECT, "", name, str(error))
    for name in (name for name in measured if name not in beside):
        yield from figures(bench.customers, name, measured, is_durable=name in durable)


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """The upstream until the block ends; yields the environment of programs that call it."""
    with upstream(CATALOG, "--latency", str(LATENCY)) as settings:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        yield {**settings, "PYTHONPATH": path}


def costs_of(bench: Bench, name: str, take: Take, floor: Floor | None = None) -> Costs:
    """What a way took, several times, and how many times the floor of the same minutes.

    Raises `BrokenError`, and `UnavailableError` where it is not the way that broke.
    """
    bench.say(f"processes, {name}: 1 customer")
    starts = children.sampled(lambda: take(1), bench.repeats)
    cpu, server, seconds = (min(values) for values in zip(*map(_numbers, starts), strict=True))
    found: dict[tuple[str, int], list[float]] = {}
    for many in bench.customers:
        bench.say(f"processes, {name}: {many:,} customers")
        runs = children.sampled(partial(_beside, floor, take, many), bench.repeats)
        more = many - 1
        found[CPU, many] = [1000 * max(0.0, run.cpu - cpu) / more for run in runs]
        found[SERVER, many] = [1000 * max(0.0, run.server - server) / more for run in runs]
        found[RATE, many] = [max(more / max(0.001, run.seconds - seconds) for run in runs)]
        found[MEMORY, many] = [run.memory for run in runs]
        if floor:
            found[TIMES, many] = [cpu / run.floor for cpu, run in zip(found[CPU, many], runs, strict=True)]
    return found


def _beside(floor: Floor | None, take: Take, many: int) -> Taken:
    taken = take(many)
    return replace(taken, floor=floor.since()) if floor else taken


def _numbers(taken: Taken) -> tuple[float, float, float]:
    return taken.cpu, taken.server, taken.seconds


def figures(customers: Sequence[int], name: str, measured: Mapping[str, Costs], *, is_durable: bool) -> Iterator[Found]:
    """What is told of one way, beside the raw requests that were measured too."""
    ours = measured[name]
    others = [name for name in (*BESIDE, *([ENGINE] if is_durable else [])) if name in measured]
    for many in customers:
        spec = f"{many:,} customers"
        for measure in (CPU, RATE, MEMORY):
            for contestant, costs in ((OURS, ours), *((other, measured[other]) for other in others)):
                yield figure(SUBJECT, spec, f"{name}: {measure}", contestant, costs[measure, many])
        if any(ours[SERVER, many]):
            yield figure(SUBJECT, spec, f"{name}: {SERVER}", OURS, ours[SERVER, many])
        if (TIMES, many) in ours:
            yield figure(SUBJECT, spec, f"{name}: {TIMES}", OURS, ours[TIMES, many])
    fewest, most = min(customers), max(customers)
    if fewest < most:
        spec = f"from {fewest:,} to {most:,} customers"
        grown = min(ours[MEMORY, most]) - min(ours[MEMORY, fewest])
        yield figure(SUBJECT, spec, f"{name}: {GROWTH}", OURS, [max(0.0, grown)])
        yield figure(SUBJECT, spec, f"{name}: {RISE}", OURS, [min(ours[CPU, most]) / max(0.01, min(ours[CPU, fewest]))])


def loop(environ: Mapping[str, str], way: str, many: int) -> Taken:
    """So many customers in a plain loop, in one of the ways of `billing_loop`."""
    return _timed([sys.executable, "-m", "benchmarks.billing_loop", way, str(many), str(IN_FLIGHT)], environ)


def on_engine(environ: Mapping[str, str], work: Path, many: int) -> Taken:
    """So many customers as workflows of the engine, on a new SQLite file."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        words = ["-m", "benchmarks.engine_loop", str(many), str(IN_FLIGHT), f"{folder}/runs.sqlite"]
        return _timed([sys.executable, *words], environ)


def on_sqlite(environ: Mapping[str, str], work: Path, many: int) -> Taken:
    """So many customers as a batch on a new SQLite file."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        return _timed(_batch(Path(folder), many), {**environ, DATABASE: f"{folder}/runs.sqlite"})


def on_postgresql(environ: Mapping[str, str], work: Path, workers: int, many: int) -> Taken:
    """So many customers as a batch on a new PostgreSQL server, whose whole life is counted.

    One worker is the batch itself; several are processes beside it, which it waits for.
    """
    server = postgresql.start()
    try:
        with tempfile.TemporaryDirectory(dir=work) as folder:
            environ = {**environ, DATABASE: server.url("postgres")}
            batch = _batch(Path(folder), many)
            taken = _timed(batch, environ) if workers == 1 else _shared(batch, workers, environ)
    finally:
        server.let_go()
        cost = children.ended(server.keeper, kill=False)
    return replace(taken, server=cost.cpu)


def _shared(batch: Sequence[str | Path], workers: int, environ: Mapping[str, str]) -> Taken:
    command: list[str | Path] = [
        *ORCHESTRATOR,
        "worker",
        PROCESS,
        "--server",
        "in-process",
        "--concurrency",
        str(IN_FLIGHT),
    ]
    running = [children.started(command, cwd=ROOT, environ=environ, stdout=subprocess.DEVNULL) for _ in range(workers)]
    try:
        taken = _timed([*batch, "--wait-for-workers"], environ)
    except BaseException:
        for process in running:
            children.ended(process, kill=True)
        raise
    for process in running:
        process.terminate()
    costs = [children.ended(process, kill=False) for process in running]
    cpu = taken.cpu + sum(cost.cpu for cost in costs)
    return Taken(cpu, max(taken.memory, *(cost.memory for cost in costs)), taken.seconds)


def _batch(folder: Path, many: int) -> list[str | Path]:
    inputs = folder / "customers.csv"
    with inputs.open("w", encoding="utf-8") as file:
        file.write("customer_id,msisidn\n")
        file.writelines("{},{}\n".format(*customer(number)) for number in range(many))
    words: list[str | Path] = ["batch", PROCESS, "--inputs", inputs, "--server", "in-process"]
    return [*ORCHESTRATOR, *words, "--concurrency", str(IN_FLIGHT), "--results", folder / "results"]


def _timed(command: Sequence[str | Path], environ: Mapping[str, str]) -> Taken:
    before = time.monotonic()
    cost = children.run(command, cwd=ROOT, environ=environ, patience=PATIENCE)
    return Taken(cost.cpu, cost.memory, time.monotonic() - before)
