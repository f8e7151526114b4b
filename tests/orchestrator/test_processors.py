"""The threads of a worker share a processor, for as long as it works and wherever the kernel wants them."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mcp_codegen.orchestrator.durable import processors
from tests.orchestrator.conftest import PARCELS, Orchestrate

pytestmark = pytest.mark.skipif(len(processors.ALLOWED) < 2, reason="it takes two processors, on Linux")

CROWDED = """
import asyncio, os
from pydantic import BaseModel
from mcp_codegen.orchestrator import Process, Run
from tests.orchestrator.processes.parcels import Parcels

class Nothing(BaseModel):
    number: int

class Found(BaseModel):
    alone: bool

async def look(run, client, given):
    async def alone():
        for _ in range(1000):
            if len(os.sched_getaffinity(0)) == 1:
                return Found(alone=True)
            await asyncio.sleep(0.01)
        return Found(alone=False)
    return await run.step("look", "Look", alone)

process = Process(name="crowded", title="Look", client=Parcels, input=Nothing, output=Found, body=look)
"""


def places() -> set[frozenset[int]]:
    """The processors that each of this process's threads may run on."""
    found = set[frozenset[int]]()
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):  # it has ended
            found.add(frozenset(os.sched_getaffinity(int(thread))))
    return found


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
    async with processors.one():
        await asyncio.sleep(5 * processors.LOOSE_SECONDS)
        assert places() == before


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


def test_a_batch_works_on_one_processor_and_leaves_the_process_as_it_was(orchestrate: Orchestrate) -> None:
    before = places()
    Path("crowded.py").write_text(CROWDED)
    Path("rows.jsonl").write_text('{"number": 1}')
    assert orchestrate("batch", "crowded.py", "--inputs", "rows.jsonl", "--server", "in-process").exit_code == 0
    (results,) = Path().glob("**/crowded-*.jsonl")
    assert json.loads(results.read_text())["alone"]
    assert places() == before


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
