"""What a call costs through the generated package: CPU of client and server together, against raw HTTP.

Each way makes the same calls to the same stand-in; the stand-in's own CPU is left out.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

import httpx

from benchmarks.standin import stand_in
from telefonica_mcp.client import TelefonicaClient

CALLS = 600
IN_FLIGHT = (1, 16, 64)
CUSTOMER = {"customerId": 45829374, "msisidn": "56987654321"}
PATH = "/obp/pdd/ods/mobile/v1/api/clients/GetListInvoices"

Call = Callable[[], Awaitable[object]]


def main() -> Mapping[str, float]:
    """Ratios: CPU per call of each way to raw httpx with one request in flight, and of 64 in flight to 16."""
    with stand_in() as environ:
        costs = asyncio.run(_measure(environ))
    floor = costs["raw httpx", 1]
    ratios = {
        f"{way}, {flight} in flight / raw httpx, 1 in flight": cost / floor for (way, flight), cost in costs.items()
    }
    return ratios | {
        f"{way}, 64 in flight / 16 in flight": costs[way, 64] / costs[way, 16] for way in ("in-process", "stdio")
    }


async def _measure(environ: Mapping[str, str]) -> dict[tuple[str, int], float]:
    """CPU seconds per call of each way with that many calls in flight."""
    ways: dict[str, AbstractAsyncContextManager[TelefonicaClient]] = {
        "in-process": TelefonicaClient.in_process(environ),
        "stdio": TelefonicaClient.launch(environ),
    }
    costs = {}
    headers = {"Ocp-Apim-Subscription-Key": environ["APIM_SUBSCRIPTION_KEY"]}
    async with httpx.AsyncClient(base_url=environ["APIM_BASE_URL"], headers=headers) as http:
        for flight in IN_FLIGHT:
            costs["raw httpx", flight] = await _cpu(lambda: http.post(PATH, json=CUSTOMER), flight, children=False)
    for way, opened in ways.items():
        async with opened as client:
            for flight in IN_FLIGHT:
                costs[way, flight] = await _cpu(
                    lambda: client.listado_de_boletas_fija(customer_id=45829374, msisidn="56987654321"),
                    flight,
                    children=way == "stdio",
                )
    return costs


async def _cpu(call: Call, in_flight: int, *, children: bool) -> float:
    """CPU seconds per call, after a warm-up."""
    await call()
    before = _used(children=children)
    waiting = iter(range(CALLS))

    async def work() -> None:
        for _ in waiting:
            await call()

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return (_used(children=children) - before) / CALLS


def _used(*, children: bool) -> float:
    """CPU seconds of this process, and of the server that it launched."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + (_of_children() if children else 0.0)


def _of_children() -> float:
    """CPU seconds of the children that are alive and serve MCP (Linux's /proc; elsewhere nothing is added)."""
    ticks, total = os.sysconf("SC_CLK_TCK"), 0
    try:
        children = open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii").read().split()  # noqa: SIM115
    except OSError:
        return 0.0
    for child in children:
        with open(f"/proc/{child}/cmdline", "rb") as command, open(f"/proc/{child}/stat", encoding="ascii") as stat:
            if b"telefonica_mcp" in command.read():
                fields = stat.read().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
    return total / ticks
