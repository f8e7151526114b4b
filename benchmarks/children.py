"""Programs run as children, and what each cost: POSIX's `wait4`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeVar

PATIENCE: Final = 900.0
"""Seconds that a program may take, unless it is told otherwise."""
ENOUGH: Final = 20.0
"""CPU seconds after which a measurement is not repeated: what takes so long is disturbed little."""
_MB: Final = 1024 if sys.platform.startswith("linux") else 1024 * 1024  # Linux counts in kB, others in bytes


class BrokenError(Exception):
    """A program did not do what was to be measured; the text is the reason, on one line."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a process and the children that it waited for, and the peak memory of the largest, in MB."""

    cpu: float
    memory: float


_TELLING: Final = re.compile(r"\b(error|invalid|required|not found|cannot|unsupported)\b|[a-z]Error\b", re.IGNORECASE)

CostT = TypeVar("CostT", bound=Cost)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
) -> Cost:
    """The cost of a whole program. Raises `BrokenError` where it fails or takes too long."""
    cost, status, said = _finished(command, cwd, environ, patience)
    if status:
        raise BrokenError(reason(said, status))
    return cost


def output(
    command: Sequence[str | Path], *, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Cost, str]:
    """The cost of a program and what it printed, whatever its exit status. Raises `BrokenError` when it is ended."""
    cost, status, said = _finished(command, cwd, environ)
    if status < 0:
        raise BrokenError(reason(said, status))
    return cost, said


def ended(process: subprocess.Popen[bytes], *, kill: bool) -> Cost:
    """What a process cost, to its end; `kill` ends it now."""
    if kill:
        end(process.pid)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / _MB)


def sampled(measure: Callable[[], CostT], repeats: int) -> list[CostT]:
    """The costs of several runs; of fewer where they are long."""
    costs = [measure()]
    while len(costs) < repeats and sum(cost.cpu for cost in costs) < ENOUGH:
        costs.append(measure())
    return costs


def reason(said: str, status: int) -> str:
    """Why a program failed, on one short line: the last that it printed, or the last that tells of an error."""
    lines = [line.strip(" │╭╰─╮╯") for line in said.splitlines()]
    telling = [line for line in lines if _TELLING.search(line)] or [line for line in lines if line]
    last = telling[-1] if telling else "it said nothing"
    how = f"ended by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return f"{how}: {''.join(c if c.isprintable() else '?' for c in last)[:200]}"


def _finished(
    command: Sequence[str | Path], cwd: Path | None, environ: Mapping[str, str] | None, patience: float = PATIENCE
) -> tuple[Cost, int, str]:
    with tempfile.TemporaryFile() as said:
        process = started(command, cwd=cwd, environ=environ, stdout=said, stderr=subprocess.STDOUT)
        alarm = threading.Timer(patience, end, (process.pid,))
        alarm.start()
        try:
            cost = ended(process, kill=False)
        finally:
            alarm.cancel()
        said.seek(0)
        return cost, process.returncode, said.read().decode(errors="replace")


def started(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """A program that runs, in a process group of its own."""
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | (environ or {}),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def end(group: int) -> None:
    """End a program and what it started. Not by `Popen.kill`, which takes the cost of one that has ended already."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
