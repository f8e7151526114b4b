"""Requests to the orchestrator's service at a steady rate, and how long their answers took.

A program: `python -m benchmarks.service_load URL SECONDS READS SUBMISSIONS`, both a second, with the callers' keys in
the environment as SERVICE_KEYS. Each request goes out when its time comes, whatever became of those before, and is
timed from then: a service that falls behind is seen to. Prints JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from http import HTTPStatus

import aiohttp

READS = ("/runs?limit=20", "/batches?limit=20", "/processes", "/batches/{batch}")
CUSTOMER = {"customer_id": 45829374, "msisidn": "56987654321"}
PROCESS = "customer_billing"

Send = Callable[[int], Awaitable[int]]


async def load(url: str, seconds: int, reads: int, submissions: int) -> dict[str, object]:
    """The times of all answers in milliseconds, and the statuses that are no success."""
    times: dict[str, list[float]] = {"reads": [], "submissions": []}
    errors: list[str] = []
    callers = _callers()

    async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(60)) as http:

        async def read(number: int) -> int:
            path = READS[number % len(READS)].format(batch=f"load-{0:06}")
            async with http.get(path, headers=next(callers)) as answer:
                await answer.read()
                return answer.status

        async def submit(number: int) -> int:
            body = {"process": PROCESS, "batch": f"load-{number:06}", "rows": [CUSTOMER]}
            async with http.post("/batches", json=body, headers=next(callers)) as answer:
                await answer.read()
                return answer.status

        await submit(0)

        async def timed(kind: str, send: Send, number: int, due: float) -> None:
            try:
                status = await send(number)
            except (aiohttp.ClientError, TimeoutError) as error:
                errors.append(type(error).__name__)
                return
            times[kind].append(1000 * (time.monotonic() - due))
            if status >= HTTPStatus.MULTIPLE_CHOICES:
                errors.append(str(status))

        async with asyncio.TaskGroup() as group:
            for kind, send, rate in (("reads", read, reads), ("submissions", submit, submissions)):
                group.create_task(_steadily(rate, seconds, partial(timed, kind, send)))
    return {"times": times, "errors": errors}


async def _steadily(rate: int, seconds: int, fire: Callable[[int, float], Coroutine[None, None, None]]) -> None:
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(1, rate * seconds + 1):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(fire(number, due))


def _callers() -> Iterator[dict[str, str]]:
    keys = os.environ["SERVICE_KEYS"].split()
    return itertools.cycle([{"Authorization": f"Bearer {key}"} for key in keys])


if __name__ == "__main__":
    words = sys.argv[1:]
    print(json.dumps(asyncio.run(load(words[0], *map(int, words[1:])))))
