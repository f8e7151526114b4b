"""Where and in which turn the threads of this process run: on one processor at a time, and without pushing in."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from mcp_codegen.orchestrator.errors import UserError, shown

VARIABLE = "ORCHESTRATOR_PROCESSORS"
ANY = "any"
"""Lets the kernel have its way: for steps that compute in threads or programs of their own."""
SETTLED_SECONDS = (1.0, 3.0)
"""How long the threads stay where they are, at random: processes that share a processor do not move together."""
LOOSE_SECONDS = 0.02
"""How long the kernel has to put them elsewhere: some of its turns."""
THREADS = Path("/proc/self/task")


def _allowed() -> set[int]:
    """Where this program may run, as it was started; nothing where that, or its threads, cannot be told."""
    with suppress(OSError):
        if hasattr(os, "sched_getaffinity") and (THREADS / str(threading.get_native_id())).is_dir():
            return os.sched_getaffinity(0)
    return set()


ALLOWED = _allowed()


@asynccontextmanager
async def one() -> AsyncIterator[None]:
    """This process's threads share one processor until the block ends, on Linux; elsewhere they go where they like.

    Python runs one thread at a time, and the engine hands each of a run's statements from the event loop to a thread
    and back. Across processors every handing over wakes one that sleeps, which costs a third of a run's processor time
    (`make bench`, processes). Which processor it is the kernel chooses, anew every few seconds, as it does for a
    process that nobody holds. A program that is started meanwhile is held to where it was started: see `loosen`.
    Raises UserError for a value of `VARIABLE` that there is not.
    """
    if not _wanted():
        yield
        return
    holding = asyncio.create_task(_held())
    try:
        yield
    finally:
        holding.cancel()  # it moves nothing any more: it is asleep, and wakes to end
        loosen()


@contextmanager
def unhurried() -> Iterator[None]:
    """This process's threads wait for their turn until the block ends, on Linux: the policy SCHED_BATCH (sched(7)).

    By default the kernel has a thread that wakes take the processor from the one that works. Here that one has the
    interpreter's lock: the other comes for nothing, and both are changed twice. It saves a twelfth of a run's processor
    time (`make bench`, processes). Programs that are started meanwhile have the policy too. Not for who answers
    callers, and should not wait. Raises UserError for a value of `VARIABLE` that there is not.
    """
    if _anywhere() or not ALLOWED or not _usual():
        yield
        return
    _follow(os.SCHED_BATCH)
    try:
        yield
    finally:
        _follow(os.SCHED_OTHER)


def loosen() -> None:
    """Let the threads run anywhere for a moment, and a program that is started in it for good."""
    if _wanted():
        with suppress(OSError):
            _place(ALLOWED)


def _wanted() -> bool:
    return not _anywhere() and len(ALLOWED) > 1


def _anywhere() -> bool:
    """Whether `VARIABLE` says so. Raises UserError for a value that there is not."""
    if (told := os.environ.get(VARIABLE, "")) not in ("", ANY):
        raise UserError(
            f"{VARIABLE}={shown(told)}: there is no such setting", hint=f"give it as {ANY!r}, or not at all"
        )
    return told == ANY


def _usual() -> bool:
    """Whether this program was started without a policy of its own."""
    with suppress(OSError):
        return os.sched_getscheduler(0) == os.SCHED_OTHER
    return False


async def _held() -> None:
    while True:
        with suppress(OSError):  # no file can be opened just now, or the processors were taken away: the next time then
            _place(ALLOWED)
            await asyncio.sleep(LOOSE_SECONDS)
            _place({_current()})
        await asyncio.sleep(random.uniform(*SETTLED_SECONDS))  # noqa: S311 - no secret


def _place(processors: set[int]) -> None:
    """Let the threads run there alone. Raises OSError where that is refused."""
    _each(lambda thread: os.sched_setaffinity(thread, processors))


def _follow(policy: int) -> None:
    with suppress(OSError):  # it is refused, or no file can be opened just now: then they stay as they are
        _each(lambda thread: os.sched_setscheduler(thread, policy, os.sched_param(0)))


def _each(change: Callable[[int], None]) -> None:
    """Change each thread, those too that begin meanwhile: who begins is as who began it."""
    changed = set[str]()
    while fresh := set(os.listdir(THREADS)) - changed:
        for thread in fresh:
            with suppress(ProcessLookupError):  # it has ended
                change(int(thread))
        changed |= fresh


def _current() -> int:
    """The processor that this thread runs on: proc(5), field 39, the 37th behind the program's name."""
    told = Path("/proc/thread-self/stat").read_text("utf-8")
    return int(told.rpartition(")")[2].split()[36])
