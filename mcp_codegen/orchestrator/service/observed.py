"""The middleware around everything: a span for each request, which goes on in the run that it starts, and its duration."""

from __future__ import annotations

import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_codegen.orchestrator.telemetry import metering, tracing

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SERVER_ERROR = 500


class Observed:
    """Tells of each request by its method, route and status alone; paths and queries hold ids and more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        start, status = time.monotonic(), SERVER_ERROR
        measured = False

        def measure() -> None:
            nonlocal measured
            measured = True
            route = getattr(scope.get("route"), "path", "")
            tracing.answered(span, method, route, status)
            metering.request_answered(method, route, status, time.monotonic() - start)

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                measure()  # the rest of a stream may come for hours
            await send(message)

        with tracing.request(method, Headers(scope=scope)) as span:
            try:
                await self._app(scope, receive, answered)
            finally:
                if not measured:
                    measure()
