"""What `mypy --strict` says of generated code: ours and the peers'. Imports without types count for none of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import bench_generate, children
from benchmarks.building import Bench
from benchmarks.children import BrokenError
from benchmarks.figures import OURS, Found, Missing, figure

SUBJECT = "types"


def measure(bench: Bench) -> Iterator[Found]:
    """Errors, and CPU seconds of the check from nothing."""
    for spec in bench.specs:
        try:
            yield from _checked(bench, spec.name, OURS, bench.package(spec), Path(sys.executable))
        except BrokenError as error:
            yield Missing(SUBJECT, spec.name, OURS, str(error))
        for peer in () if spec.is_catalog else bench_generate.GENERATORS:
            if ready := bench.peers.get(peer.name):
                out = bench_generate.code_of(bench, spec, peer)
                try:
                    if not any(out.rglob("*.py")):
                        bench_generate.generate(bench, spec, peer)
                    yield from _checked(bench, spec.name, ready.name, _code(out), ready.bin / "python")
                except BrokenError as error:
                    yield Missing(SUBJECT, spec.name, ready.name, str(error))


def errors(said: str) -> int:
    """How many errors mypy's last line tells of. Raises `BrokenError` where it tells something else."""
    if "Success: no issues found" in said:
        return 0
    counted = re.search(r"^Found (\d+) errors?", said, re.MULTILINE)
    if counted is None or "errors prevented further checking" in said:
        raise BrokenError(" ".join(said.split())[-200:] or "mypy said nothing")
    return int(counted[1])


def _checked(bench: Bench, spec: str, contestant: str, code: Path, python: Path) -> Iterator[Found]:
    bench.say(f"{spec}: mypy --strict on the code of {contestant}")
    flags = [
        "--strict",
        "--ignore-missing-imports",
        "--no-incremental",
        "--config-file=",
        f"--python-executable={python}",
    ]
    cost, said = children.output([sys.executable, "-m", "mypy", *flags, code.name], cwd=code.parent)
    yield figure(SUBJECT, spec, "errors of mypy --strict", contestant, [errors(said)])
    yield figure(SUBJECT, spec, "CPU s of mypy", contestant, [cost.cpu])


def _code(out: Path) -> Path:
    """The package, or the module, that a peer wrote into a folder."""
    packages = sorted(file.parent for file in out.glob("*/__init__.py"))
    return packages[0] if packages else next(iter(sorted(out.glob("*.py"))))
