"""The first page: how it goes at this moment, and the numbers behind its charts."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse

from mcp_codegen.orchestrator.durable import lookup, workers
from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.durable.lookup import Wanted
from mcp_codegen.orchestrator.service import batches, runs
from mcp_codegen.orchestrator.service.dashboard import alerts, figures
from mcp_codegen.orchestrator.service.dashboard.routing import PageRoute
from mcp_codegen.orchestrator.service.dashboard.visiting import Visiting
from mcp_codegen.orchestrator.service.events import HEARTBEAT_SECONDS
from mcp_codegen.orchestrator.service.feed import Event, Feed, Listener
from mcp_codegen.orchestrator.service.guard import Serving
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.words import Name

SHOWN = 6
"""Batches and failures on the first page."""
CALM_SECONDS = 1.0
"""Between two signals: a page is not asked for more often, however much changes."""
HOUR = 3_600_000

routes = APIRouter(route_class=PageRoute, include_in_schema=False)

Range = Annotated[Literal["15m", "1h", "24h"], Query()]


@routes.get("/ui")
def overview(visit: Visiting, service: Serving, range: Range = "15m") -> Response:
    """How it goes."""
    totals = figures.totals(service.database, figures.WINDOWS[range], milliseconds())
    return visit.page(
        "overview",
        range=range,
        ranges=list(figures.WINDOWS),
        totals=totals,
        workers=_workers(service),
        batches=batches.list_batches(service, limit=SHOWN).batches,
        failures=runs.list_runs(service, status="failed", limit=SHOWN).runs,
        processes=[served.process for served in service.processes.values()],
    )


@routes.get("/ui/figures")
def numbers(service: Serving, range: Range = "15m") -> JSONResponse:
    """The points of the charts."""
    found = figures.figures(service.database, figures.WINDOWS[range], milliseconds())
    return JSONResponse(dataclasses.asdict(found))


@routes.get("/ui/attention")
def attention(visit: Visiting, service: Serving) -> Response:
    """What somebody should look at: each with what to do."""
    now = milliseconds()
    failing = {name: figures.recent_failures(service.database, name, now - HOUR) for name in sorted(service.processes)}
    told = batches.list_batches(service, limit=50).batches
    return visit.page(
        "attention",
        raised=alerts.raised(service.database),
        idle=[name for name, many in _workers(service).items() if not many and _waits(service, name)],
        resting=[name for name, many in _workers(service).items() if not many and not _waits(service, name)],
        failing={name: found for name, found in failing.items() if found},
        troubled=[batch for batch in told if batch.rejected or batch.state in ("stopped", "paused")],
    )


@routes.get("/ui/live")
async def live(service: Serving, batch: Name = None, process: Name = None) -> StreamingResponse:
    """A signal whenever something changed, of a batch or a process if one is named; the page then asks for itself."""
    service.feed.check()
    stream = _signals(service.feed, Listener(batch=batch, process=process))
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _signals(feed: Feed, listener: Listener) -> AsyncIterator[str]:
    with feed.told(listener):
        yield "retry: 2000\n\n"
        while True:
            try:
                told: Event | None = await asyncio.wait_for(listener.queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield ": alive\n\n"
                continue
            while told is not None and not listener.queue.empty():  # what came meanwhile is told with it
                told = listener.queue.get_nowait()
            if told is None:
                return
            yield f"event: changed\ndata: {told.number}\n\n"
            await asyncio.sleep(CALM_SECONDS)


def _workers(service: Service) -> dict[str, int]:
    """How many workers each process has."""
    return {name: len(workers.living(service.database, each.queue)) for name, each in service.processes.items()}


def _waits(service: Service, process: str) -> bool:
    wanted: Any = Wanted(process=process, status="unfinished")
    return bool(lookup.page(service.database, wanted, limit=1))
