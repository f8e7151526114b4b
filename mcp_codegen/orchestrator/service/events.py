"""`/events`: runs and batches as they change, as server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from mcp_codegen.orchestrator.service.feed import Event, Feed, Listener
from mcp_codegen.orchestrator.service.guard import GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import answers

HEARTBEAT_SECONDS = 15.0
"""After so long without an event a comment is sent, so that nobody on the way takes the stream for dead."""
NUMBER = re.compile(r"[0-9]{1,18}")
RETRY_MILLISECONDS = 2000
"""When a client that lost the stream comes back."""

routes = APIRouter(tags=["events"], route_class=GuardedRoute)

Filter = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID", description="The id of the last event that was heard: what changed since is told first."
    ),
]


@routes.get(
    "/events",
    operation_id="follow_events",
    response_class=StreamingResponse,
    responses=answers(401, 403, 429, 503)
    | {
        200: {
            "description": "A stream without an end",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def follow_events(
    service: Serving, batch: Filter = None, process: Filter = None, last_event_id: LastEventId = None
) -> StreamingResponse:
    """Runs and batches as they change: events `run` and `batch`, whose data are what GET answers of them in short.

    Each tells a state, at least once; with `Last-Event-ID`, as browsers send it, nothing is missed in between.
    """
    service.feed.check()
    listener = Listener(batch=batch, process=process)
    number = int(last_event_id) if last_event_id and NUMBER.fullmatch(last_event_id) else None
    stream = _frames(service.feed, listener, number)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _frames(feed: Feed, listener: Listener, number: int | None) -> AsyncIterator[str]:
    with feed.told(listener):
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        if number is not None:
            async for event in feed.backlog(number):
                if listener.wants(event):
                    yield _frame(event)
        while True:
            try:
                told = await asyncio.wait_for(listener.queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield ": alive\n\n"
                continue
            if told is None:
                return
            yield _frame(told)


def _frame(event: Event) -> str:
    return f"id: {event.number}\nevent: {event.kind}\ndata: {event.view.model_dump_json()}\n\n"
