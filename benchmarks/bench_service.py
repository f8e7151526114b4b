"""What the orchestrator's service bears: reads and submissions of batches at a steady rate, while it runs them.

The figures are times on the clock, the only ones that callers feel, so a busy machine shows in them.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.bench_processes import CATALOG, ORCHESTRATOR, PROCESS
from benchmarks.building import Bench, upstream
from benchmarks.children import BrokenError
from benchmarks.descriptions import ROOT
from benchmarks.figures import OURS, Found, figure

SUBJECT = "service"
SECONDS, READS, SUBMISSIONS = 30, 200, 20
CALLERS = 8
PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Served:
    """A service that listens, and its callers' keys."""

    url: str
    keys: str


def measure(bench: Bench) -> Iterator[Found]:
    """Errors, and the 50th and 99th percentile of the times of answers."""
    with tempfile.TemporaryDirectory(dir=bench.work) as folder, upstream(CATALOG) as environ:
        database = f"{folder}/runs.sqlite"
        with served(Path(folder), database, environ) as service:
            bench.say(f"service: {READS} reads and {SUBMISSIONS} submissions a second for {SECONDS} seconds")
            told = loaded(service)
    spec = f"{READS} reads and {SUBMISSIONS} submissions a second"
    yield figure(SUBJECT, spec, "errors", OURS, [float(len(told["errors"]))])
    for kind in ("reads", "submissions"):
        for percent in (50, 99):
            cut = quantiles(told["times"][kind] or [0.0, 0.0], n=100)[percent - 1]
            yield figure(SUBJECT, spec, f"{kind}, ms, percentile {percent}", OURS, [cut])


@contextmanager
def served(folder: Path, database: str, environ: dict[str, str]) -> Iterator[Served]:
    """The service with its workers, until the block ends. Raises `BrokenError` where it does not start."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    surroundings = {**os.environ, **environ, "PYTHONPATH": path, "ORCHESTRATOR_DATABASE": database}
    keys = [_key(f"load-{number}", surroundings) for number in range(CALLERS)]
    command = [*ORCHESTRATOR, "serve", str(PROCESS), "--server", "in-process", "--port", "0", "--rate", "10000"]
    said = folder / "said"
    with (
        said.open("w") as log,
        subprocess.Popen(command, cwd=folder, env=surroundings, stderr=log, stdout=log) as program,
    ):
        try:
            yield Served(_address(program, said), " ".join(keys))
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(PATIENCE)


def loaded(service: Served) -> dict[str, Any]:
    """What the load told. Raises `BrokenError`."""
    words = [service.url, *map(str, (SECONDS, READS, SUBMISSIONS))]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.service_load", *words],
        cwd=ROOT,
        env={**os.environ, "SERVICE_KEYS": service.keys},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise BrokenError(f"the load failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _key(name: str, environ: dict[str, str]) -> str:
    command: Sequence[str] = [*ORCHESTRATOR, "keys", "create", name, "--role", "operator", "--json"]
    made = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=True)
    return str(json.loads(made.stdout)["key"])


def _address(program: subprocess.Popen[bytes], said: Path) -> str:
    """Where the service listens, once it says so."""
    deadline = time.monotonic() + PATIENCE
    while program.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"http://127\.0\.0\.1:\d+", said.read_text("utf-8")):
            return found[0]
        time.sleep(0.1)
    raise BrokenError(f"the service did not start: {said.read_text('utf-8').strip()[-200:]}")
