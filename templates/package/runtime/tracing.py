"""Each request to an upstream as a span of OpenTelemetry, by its conventions for HTTP clients.

Nothing is recorded unless the process has an SDK of OpenTelemetry. Arguments, queries and bodies are in no span.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer

FAILED = 400


@contextmanager
def traced(request: httpx.Request, route: str, attempt: int) -> Iterator[Span]:
    """A span around one attempt. route: the path with its placeholders. attempt: counted from 1."""
    known: dict[str, str | int] = {
        "http.request.method": request.method,
        "url.template": route,
        "server.address": request.url.host,
        "server.port": request.url.port or (443 if request.url.scheme == "https" else 80),
    }
    if attempt > 1:
        known["http.request.resend_count"] = attempt - 1
    tracer = get_tracer("mcp-codegen")
    with tracer.start_as_current_span(
        f"{request.method} {route}", kind=SpanKind.CLIENT, attributes=known, record_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", getattr(error, "code", type(error).__name__))
            raise


def answered(span: Span, status: int) -> None:
    """The answer's status."""
    span.set_attribute("http.response.status_code", status)
    if status >= FAILED:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)
