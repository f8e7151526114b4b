"""What a worker, and a batch that works, do to spare the processor: for as long as they work."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from mcp_codegen.orchestrator.durable import collecting, economy, processors
from tests.orchestrator.conftest import PARCELS, Orchestrate

pytestmark = pytest.mark.skipif(len(processors.ALLOWED) < 2, reason="it takes two processors, on Linux")

T = TypeVar("T")

CROWDED = """
import asyncio, gc, os
from pydantic import BaseModel
from mcp_codegen.orchestrator import Process, Run
from tests.orchestrator.processes.parcels import Parcels

class Nothing(BaseModel):
    number: int

class Found(BaseModel):
    alone: bool
    policies: list[int]
    garbage: int

async def look(run, client, given):
    async def found():
        for _ in range(1000):
            if alone := len(os.sched_getaffinity(0)) == 1:
                break
            await asyncio.sleep(0.01)
        policies = [os.sched_getscheduler(0), await asyncio.to_thread(os.sched_getscheduler, 0)]
        return Found(alone=alone, policies=policies, garbage=gc.get_threshold()[0])
    return await run.step("look", "Look", found)

process = Process(name="crowded", title="Look", client=Parcels, input=Nothing, output=Found, body=look)
"""


def places() -> set[frozenset[int]]:
    """The processors that each of this process's threads may run on."""
    return {frozenset(place) for place in each(os.sched_getaffinity)}


def each(ask: Callable[[int], T]) -> list[T]:
    """What is said of each of this process's threads."""
    said = []
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):  # it has ended
            said.append(ask(int(thread)))
    return said


async def becomes(promise: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not (kept := promise()) and time.monotonic() < deadline:  # noqa: ASYNC110 - the kernel tells nobody
        await asyncio.sleep(0.01)
    return kept


@pytest.fixture
def thread() -> Iterator[None]:
    """A thread that is there before."""
    over = threading.Event()
    beside = threading.Thread(target=over.wait)
    beside.start()
    yield
    over.set()
    beside.join()


@pytest.mark.usefixtures("thread")
@pytest.mark.anyio
async def test_all_threads_share_one_processor_until_the_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "SETTLED_SECONDS", (60, 60))
    before = frozenset(os.sched_getaffinity(0))
    async with processors.one():
        assert await becomes(lambda: len(places()) == 1 and len(next(iter(places()))) == 1)
        assert await asyncio.to_thread(lambda: len(os.sched_getaffinity(0)) == 1)  # one that begins meanwhile
    assert places() == {before}


@pytest.mark.usefixtures("thread")
@pytest.mark.anyio
async def test_the_kernel_is_asked_anew_where_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "SETTLED_SECONDS", (0.05, 0.1))
    before = frozenset(os.sched_getaffinity(0))
    async with processors.one():
        assert await becomes(lambda: places() != {before})
        assert await becomes(lambda: places() == {before})
        assert await becomes(lambda: places() != {before})
    for _ in range(20):  # and no more when the block has ended
        await asyncio.sleep(0.01)
        assert places() == {before}


@pytest.mark.anyio
async def test_any_leaves_them_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processors.VARIABLE, "any")
    before = places()
    async with economy.kept():
        await asyncio.sleep(5 * processors.LOOSE_SECONDS)
        assert places() == before
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.anyio
async def test_a_program_that_is_started_meanwhile_may_run_anywhere() -> None:
    program = "import os; print(len(os.sched_getaffinity(0)))"
    async with processors.one():
        assert await becomes(lambda: len(os.sched_getaffinity(0)) == 1)
        processors.loosen()
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        said, _ = await child.communicate()
        assert int(said) == len(processors.ALLOWED)
        assert await becomes(lambda: len(os.sched_getaffinity(0)) == 1)


def as_it_is() -> tuple[object, ...]:
    return places(), set(each(os.sched_getscheduler)), gc.get_threshold(), gc.get_freeze_count()


def test_a_batch_spares_the_processor_and_leaves_the_process_as_it_was(orchestrate: Orchestrate) -> None:
    before = as_it_is()
    Path("crowded.py").write_text(CROWDED)
    Path("rows.jsonl").write_text('{"number": 1}')
    assert orchestrate("batch", "crowded.py", "--inputs", "rows.jsonl", "--server", "in-process").exit_code == 0
    (results,) = Path().glob("**/crowded-*.jsonl")
    found = json.loads(results.read_text())
    assert found["alone"]
    assert found["policies"] == [os.SCHED_BATCH] * 2
    assert found["garbage"] == collecting.OBJECTS
    assert as_it_is() == before


@pytest.mark.anyio
async def test_a_policy_that_the_program_was_started_with_stays() -> None:
    program = """
import asyncio, os
from mcp_codegen.orchestrator.durable import economy
async def main():
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    async with economy.kept():
        print(os.sched_getscheduler(0) == os.SCHED_IDLE)
    print(os.sched_getscheduler(0) == os.SCHED_IDLE)
asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    assert said.split() == [b"True", b"True"]


@pytest.mark.anyio
async def test_no_file_that_can_be_opened_for_a_while_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "SETTLED_SECONDS", (0.05, 0.1))
    before = frozenset(os.sched_getaffinity(0))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with processors.one():
        assert await becomes(lambda: frozenset(os.sched_getaffinity(0)) != before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, limit[1]))
        try:
            await asyncio.sleep(0.5)  # several times that the processor would be chosen anew
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        assert await becomes(lambda: frozenset(os.sched_getaffinity(0)) == before)
        assert await becomes(lambda: frozenset(os.sched_getaffinity(0)) != before)
    assert places() == {before}


def test_a_setting_that_there_is_not_is_refused(orchestrate: Orchestrate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processors.VARIABLE, "all")
    Path("rows.jsonl").write_text('{"number": 1, "place": "a"}')
    told = orchestrate("batch", PARCELS, "--inputs", "rows.jsonl", "--server", "in-process")
    assert told.exit_code == 2
    assert "ORCHESTRATOR_PROCESSORS='all': there is no such setting" in told.stderr
