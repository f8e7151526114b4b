"""Measure this project beside its peers: `python -m benchmarks [--only SUBJECT] [--spec FILE] [--json]`.

A subject is a module `bench_NAME.py` with `measure(bench)`, which yields figures, and by name what could not be had.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import (
    bench_calls,
    bench_generate,
    bench_processes,
    bench_service,
    bench_start,
    bench_types,
    descriptions,
    figures,
    peers,
    showing,
)
from benchmarks.building import Bench
from benchmarks.children import BrokenError
from benchmarks.descriptions import Spec
from benchmarks.figures import Found, Missing
from benchmarks.peers import Installed, Peer

SUBJECTS: Final[Mapping[str, Callable[[Bench], Iterator[Found]]]] = {
    "generate": bench_generate.measure,
    "start": bench_start.measure,
    "calls": bench_calls.measure,
    "types": bench_types.measure,
    "processes": bench_processes.measure,
    "service": bench_service.measure,
}
USES: Final[Mapping[str, Sequence[Peer]]] = {
    "generate": bench_generate.GENERATORS,
    "start": (peers.FASTMCP,),
    "calls": (peers.FASTMCP,),
    "types": bench_generate.GENERATORS,
    "processes": (),
    "service": (),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line names: 0 done, 1 some of ours could not be measured, 2 a usage error."""
    args = _parser().parse_args(argv)
    if not hasattr(os, "wait4"):
        print(
            "The benchmarks measure with wait4, which this system lacks; run them on Linux or macOS.", file=sys.stderr
        )
        return 2
    console = Console(stderr=True, highlight=False)
    subjects = args.only or list(SUBJECTS)
    found: list[Found] = []
    try:
        specs = _specs(args.spec, subjects, found)
    except BrokenError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as work, console.status("starting") as status:

        def say(what: str) -> None:
            status.update(what, spinner="dots")
            if not console.is_terminal:
                console.print(what, markup=False)

        ready = {} if args.no_peers else dict(_installed(subjects, say, found))
        customers = tuple(sorted(set(args.customers or (1000, 10_000))))
        bench = Bench(specs, ready, Path(work), args.repeats, say, customers)
        for subject in subjects:
            found += _measured(subject, bench)
    about = {"python": platform.python_version(), "system": platform.system(), "cpus": os.cpu_count()}
    if args.json:
        print(json.dumps(figures.as_json(found, about), indent=2, ensure_ascii=False))
    else:
        showing.show(found, Console(highlight=False, width=None if sys.stdout.isatty() else 140))
    return int(any(isinstance(one, Missing) and one.contestant == figures.OURS for one in found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure this project beside its peers, and print the ratios."
    )
    parser.add_argument("--only", action="append", choices=list(SUBJECTS), help="a subject; repeatable; default: all")
    parser.add_argument(
        "--spec", action="append", type=Path, metavar="FILE", help="a description or catalog; repeatable; "
        "default: the largest of the corpus, and GitHub's"
    )  # fmt: skip
    parser.add_argument("--repeats", type=_count, default=3, metavar="N", help="runs of each; default: %(default)s")
    parser.add_argument(
        "--customers", action="append", type=_several, metavar="N", help="processes in a batch; repeatable; "
        "default: 1000 and 10000"
    )  # fmt: skip
    parser.add_argument("--no-peers", action="store_true", help="measure this project alone; installs nothing")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError("name a number from 1")


def _several(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 1:
        return int(text)
    raise argparse.ArgumentTypeError("name a number from 2")


def _specs(named: Sequence[Path] | None, subjects: Sequence[str], found: list[Found]) -> tuple[Spec, ...]:
    if named:
        return tuple(map(descriptions.named, named))
    if set(subjects) <= {"calls", "processes", "service"}:  # these have descriptions of their own
        return ()
    specs = descriptions.corpus()
    try:
        specs.append(descriptions.github())
    except BrokenError as error:
        found.append(Missing(", ".join(subjects), descriptions.GITHUB, "any", str(error)))
    return tuple(specs)


def _installed(
    subjects: Sequence[str], say: Callable[[str], None], found: list[Found]
) -> Iterator[tuple[str, Installed]]:
    for peer in peers.PEERS:
        using = [subject for subject in subjects if peer in USES[subject]]
        if using:
            try:
                installed = peers.install(peer, descriptions.BUILD / "peers", say)
            except BrokenError as error:
                found.append(Missing(", ".join(using), "", f"{peer.name} {peer.version}", str(error)))
                continue
            if installed.instead:
                reason = f"{installed.instead}; measured instead: {installed.name}"
                found.append(Missing(", ".join(using), "", f"{peer.name} {peer.version}", reason))
            yield peer.name, installed


def _measured(subject: str, bench: Bench) -> Iterator[Found]:
    try:
        yield from SUBJECTS[subject](bench)
    except BrokenError as error:
        yield Missing(subject, "", figures.OURS, str(error))


if __name__ == "__main__":
    sys.exit(main())
