"""Many calls at a time of an upstream that fails in every way at random: nothing leaks, hangs, or is mixed up.

`MCP_CODEGEN_SOAK` says for how many seconds through each way to the server.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.generated import Built, build
from tests.runtime import drills
from tests.runtime.doors import PATIENCE, eventually
from tests.runtime.drills import COUNTED, DOORS, HAS_PROC, Drilled, StandIn

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not HAS_PROC, reason="memory and open files are read from Linux's /proc"),
]

SECONDS = float(os.environ.get("MCP_CODEGEN_SOAK", "3"))
AT_ONCE = 64
GROWTH = 32_000_000
"""Bytes that the memory may grow by once it is warm."""
CONNECTIONS = 2 * AT_ONCE + 40
"""What may be open beyond an idle server's files: a call's connections to the server and to the upstream."""
FEW = 4
FAULTS = {
    "none": ("", 0.0),
    "slow": ("timed_out", 0.05),
    "drip": ("timed_out", 0.05),
    "reset": ("unreachable", 0.3),
    "truncated": ("unreachable", 0.3),
    "invalid-json": ("not_json", 0.3),
    "deep-json": ("not_json", 0.1),
    "wrong-type": ("not_json", 0.3),
    "drift": ("schema_mismatch", 0.3),
    "waf": ("blocked", 0.3),
    "redirect": ("rejected", 0.3),
    "bomb": ("answer_too_large", 0.01),
    "endless": ("answer_too_large", 0.1),
    "echo": ("rejected", 0.3),
    "401": ("unauthorized", 0.3),
    "429": ("rate_limited", 0.3),
    "503": ("upstream_failed", 0.3),
}
"""Each with the code of its error and how often it strikes."""


def named(fault: str) -> str:
    return f"meet_{fault.replace('-', '_')}"


def api(fault: str, *, writes: bool) -> dict[str, Any]:
    return {
        "name": named(fault) + ("_writing" if writes else ""),
        "httpMethod": "POST" if writes else "GET",
        "endpoint": f"/{fault}/{'write' if writes else 'read'}/{{order}}",
        "gateway": named(fault),
        "inputs": [{"name": "order", "type": "string", "in": "path"}],
        "outputs": [{"name": "order", "type": "string", "required": True}, {"name": "amount", "type": "int"}],
    }


def gateway(fault: str) -> dict[str, Any]:
    """What happens to the one suspends no other; retries and breakers are at work, and soon over."""
    return {
        "baseUrl": "${DRILL_URL}",
        "auth": {"type": "bearer", "env": "TOKEN"},
        "timeoutSeconds": 60 if FAULTS[fault][0] != "timed_out" else 0.5,
        "retry": {"attempts": 3, "initialSeconds": 0.01, "maxSeconds": 0.05},
        "circuitBreaker": {"openSeconds": 0.5},
        "limits": {"concurrentCalls": 16, "queuedCalls": 32},
    }


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    apis = [api(fault, writes=writes) for fault in FAULTS for writes in (False, True)]
    catalog = {"name": "soak", "gateways": {named(fault): gateway(fault) for fault in FAULTS}, "apis": apis}
    with build(catalog, tmp_path_factory.mktemp("soak")).importable() as built:
        yield built


@pytest.fixture(scope="module")
def upstream(package: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    faults = [f"{named(fault)}{end}={fault}:{rate}" for fault, (_, rate) in FAULTS.items() for end in ("", "_writing")]
    options = [word for fault in faults if not fault.startswith("meet_none") for word in ("--fail", fault)]
    folder = tmp_path_factory.mktemp("stand-in")
    with drills.stand_in(package, folder, *options, environ={"TOKEN": "t0ken-0123456789"}) as found:
        yield found


@dataclass
class Load:
    """Calls under way, and what became of them: the codes of their errors, `ok` of the others."""

    door: Drilled
    failures: type[Exception]
    outcomes: Counter[str] = field(default_factory=Counter)

    async def call(self, fault: str, order: str, *, writes: bool = False) -> str:
        """The outcome of a call, which is none of another call's."""
        tool = named(fault) + ("_writing" if writes else "")
        with anyio.fail_after(PATIENCE):
            outcome, told = await self._ended(tool, order)
        assert outcome in ("ok", FAULTS[fault][0], "suspended"), f"{tool} failed as {outcome}: {told}"
        assert outcome != "ok" or told["order"] == order
        self.outcomes[outcome] += 1
        return outcome

    async def _ended(self, tool: str, order: str) -> tuple[str, Any]:
        try:
            return "ok", await self.door.client.call(tool, {"order": order})
        except self.failures as error:
            return error.code, error  # type: ignore[attr-defined]

    async def last(self, seconds: float) -> None:
        """So many calls at once, each followed by the next, until the time is over."""
        until = anyio.current_time() + seconds

        async def work(worker: int) -> None:
            chance, number = random.Random(worker), 0  # noqa: S311 - no secret
            while anyio.current_time() < until:
                number += 1
                await self.call(chance.choice(list(FAULTS)), f"A-{worker}-{number}", writes=chance.random() < 0.5)

        await asyncio.gather(*(work(worker) for worker in range(AT_ONCE)))

    async def recover(self) -> None:
        """A good call of every API, as soon as there is one: no API stays suspended, none has lost its places."""
        with anyio.fail_after(PATIENCE):
            for fault in FAULTS:
                while await self.call(fault, f"A-{fault}") != "ok":  # noqa: ASYNC110 - it is another process
                    await anyio.sleep(0.05)


@dataclass(frozen=True)
class Figures:
    """Of a server: bytes of memory, open files, tasks."""

    memory: int
    files: int
    tasks: int

    @classmethod
    async def of(cls, door: Drilled) -> Figures:
        return cls(door.memory, door.files, await door.tasks())


@pytest.mark.parametrize("where", DOORS)
async def test_under_random_faults_nothing_leaks_hangs_or_is_another_calls_answer(
    package: Built, upstream: StandIn, tmp_path: Path, where: str
):
    async with DOORS[where](package, upstream.settings, tmp_path, COUNTED) as door:
        load = Load(door, package.load("errors").ApiError)
        await load.recover()
        idle = await Figures.of(door)
        await load.last(SECONDS / 4)
        await load.recover()
        warm = await Figures.of(door)
        await load.last(SECONDS * 3 / 4)
        await load.recover()
        after = await Figures.of(door)
        print(f"\n{where}: {load.outcomes.total()} calls {dict(load.outcomes)}", idle, warm, after, sep="\n  ")
        assert load.outcomes.keys() > {"ok"}
        assert after.memory - warm.memory < GROWTH
        assert after.files - idle.files <= CONNECTIONS
        if SECONDS > PATIENCE:  # connections that nobody uses are kept for a quarter of a minute
            await eventually(lambda: door.files - idle.files <= FEW)
        with anyio.fail_after(PATIENCE):
            while await door.tasks() - idle.tasks > FEW:  # noqa: ASYNC110 - it is another process
                await anyio.sleep(0.05)
        assert "Traceback" not in door.said()
