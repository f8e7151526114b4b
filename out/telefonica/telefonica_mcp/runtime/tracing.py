"""Each request to an upstream as a span and a duration of OpenTelemetry, by its conventions for HTTP clients.

Nothing is recorded unless the process has an SDK of OpenTelemetry (`exporting`). Arguments, queries and bodies are in
no span. The caller's trace goes on at the upstream, by the header traceparent (W3C Trace Context); baggage does not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from opentelemetry.metrics import get_meter
from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

FAILED = 400
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets of durations, as the conventions have them."""

_durations = get_meter("mcp-codegen").create_histogram(
    "http.client.request.duration", "s", "Of requests to APIs", explicit_bucket_boundaries_advisory=SECONDS
)
_context = TraceContextTextMapPropagator()


@dataclass(slots=True)
class Traced:
    """An attempt that is being made."""

    span: Span
    ended: dict[str, str | int] = field(default_factory=dict)
    """How it ended, as its duration is labelled."""

    def carry_on(self, request: httpx.Request) -> httpx.Request:
        """The request, with the trace in its headers unless the API has a use of its own for that name."""
        if "traceparent" not in request.headers:
            headers: dict[str, str] = {}
            _context.inject(headers)
            request.headers.update(headers)
        return request

    def answered(self, status: int) -> None:
        """Note the answer's status."""
        self.ended["http.response.status_code"] = status
        self.span.set_attribute("http.response.status_code", status)
        if status >= FAILED:
            self.fail(str(status))
            self.span.set_status(StatusCode.ERROR)

    def fail(self, kind: str) -> None:
        """Note what went wrong."""
        self.ended["error.type"] = kind
        self.span.set_attribute("error.type", kind)


@contextmanager
def traced(request: httpx.Request, route: str, attempt: int) -> Iterator[Traced]:
    """A span around one attempt. route: the path with its placeholders. attempt: counted from 1."""
    known: dict[str, str | int] = {
        "http.request.method": request.method,
        "url.template": route,
        "server.address": request.url.host,
        "server.port": request.url.port or (443 if request.url.scheme == "https" else 80),
    }
    if attempt > 1:
        known["http.request.resend_count"] = attempt - 1
    start = time.monotonic()
    with get_tracer("mcp-codegen").start_as_current_span(
        f"{request.method} {route}",
        kind=SpanKind.CLIENT,
        attributes=known,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        attempted = Traced(span)
        try:
            attempted.carry_on(request)
            yield attempted
        except Exception as error:
            attempted.fail(str(getattr(error, "code", type(error).__name__)))  # its text may quote the API
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            known.pop("http.request.resend_count", None)
            _durations.record(time.monotonic() - start, known | attempted.ended)
