"""Run the benchmarks, all of them or those named: `python -m benchmarks [NAME…] [--spec FILE]…`.

A benchmark is a module `bench_NAME.py` with `main() -> Mapping[str, float]`: what it compared, and the ratio. Ratios
are what a benchmark is judged by: they hold from one machine to the next, where times do not.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Mapping

import benchmarks

Benchmark = Callable[[], Mapping[str, float]]


def found() -> dict[str, Benchmark]:
    """Every benchmark by name, in alphabetical order."""
    modules = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.startswith("bench_"))
    mains = {name: getattr(importlib.import_module(f"benchmarks.{name}"), "main", None) for name in modules}
    return {name.removeprefix("bench_"): main for name, main in mains.items() if main}


def main() -> int:
    """Run what the command line names. 2: there is no such benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run benchmarks and print their ratios.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="which ones; all without it")
    parser.add_argument("--spec", action="append", default=[], metavar="FILE", help="a description for `listing`")
    args = parser.parse_args()
    names = args.names
    if args.spec:
        os.environ["MCP_CODEGEN_SPECS"] = os.pathsep.join(args.spec)
    known = found()
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known) or 'none'}")
    if not known:
        print("There are no benchmarks yet.")
    for name in names or known:
        started = time.perf_counter()
        print(f"== {name}", flush=True)
        ratios = known[name]()
        width = max(map(len, ratios), default=0)
        for compared, ratio in ratios.items():
            print(f"   {compared:<{width}}  {ratio:8.2f} x")
        print(f"   ({time.perf_counter() - started:.1f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
