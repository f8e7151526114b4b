"""Spans of runs and steps, and how a trace goes on in another process.

No input, no output and no text of an error stands in a span. Nothing is recorded unless the process has an SDK; see
`exporting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Link, NoOpTracerProvider, ProxyTracerProvider, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mcp_codegen.orchestrator.record import Outcome, RunRecord

SCOPE = "mcp_codegen.orchestrator"
HEADER = "traceparent"

_W3C = TraceContextTextMapPropagator()
"""Not the global one, which would take over callers' baggage too."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run goes back to, as a traceparent (W3C Trace Context)."""

    traceparent: str
    shared: bool
    """Whether many runs go back to it: each then has a trace of its own, with a link."""


def recorded() -> bool:
    """Whether spans go anywhere."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider | NoOpTracerProvider)


def current() -> str | None:
    """The traceparent of the span that is open here; None where nothing is recorded."""
    carrier: dict[str, str] = {}
    if recorded():
        _W3C.inject(carrier)
    return carrier.get(HEADER)


def identity() -> tuple[str, str] | None:
    """The ids of the trace and the span that are open here, as the log shows them."""
    context = trace.get_current_span().get_span_context()
    return (
        (trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)) if context.is_valid else None
    )


@dataclass(frozen=True, slots=True)
class RunSpan:
    """An open span of a run."""

    span: Span

    def ended(self, record: RunRecord) -> None:
        """Note how the run ended."""
        self.span.set_attribute("orchestrator.run.outcome", record.status)
        if record.error is not None:
            self.span.set_attribute("error.type", record.error.code)
        if record.status == "failed":
            self.span.set_status(StatusCode.ERROR)


@contextmanager
def run(process: str, run_id: str, origin: Origin | None = None) -> Iterator[RunSpan]:
    """A span around a run, or around the part of it that is executed in this process."""
    if not recorded():
        yield RunSpan(INVALID_SPAN)
        return
    parent, links = _placed(origin)
    attributes = {"orchestrator.process": process, "orchestrator.run.id": run_id}
    with _tracer().start_as_current_span(
        f"run {process}", parent, SpanKind.CONSUMER if origin else SpanKind.INTERNAL, attributes, links,
        record_exception=False, set_status_on_exception=False,
    ) as span:  # fmt: skip
        try:
            yield RunSpan(span)
        except asyncio.CancelledError:
            span.set_attribute("orchestrator.run.outcome", "handed_back")
            raise


@dataclass(frozen=True, slots=True)
class StepSpan:
    """An open span of a step."""

    span: Span

    def ended(self, outcome: Outcome) -> None:
        """Note how the step ended, and each attempt that was followed by another."""
        for number, attempt in enumerate(outcome.retried, 1):
            told: dict[str, str | int | float] = {"attempt": number, "wait": attempt.wait}
            told["error.type"] = attempt.error.code
            moment = int((attempt.started_at.timestamp() + attempt.duration) * 1e9)
            self.span.add_event("retry", told, timestamp=moment)
        self.span.set_attribute("orchestrator.step.attempts", outcome.attempts)
        self.span.set_attribute("orchestrator.step.outcome", "error" if outcome.error else "success")
        if outcome.error is not None:
            self.span.set_attribute("error.type", outcome.error.code)
            self.span.set_status(StatusCode.ERROR)
            if outcome.error.status is not None:
                self.span.set_attribute("http.response.status_code", outcome.error.status)


def hide_query() -> None:
    """Have the span of the request that is being answered not tell its query, which opens something."""
    trace.get_current_span().set_attribute("url.query", "REDACTED")


@contextmanager
def step(process: str, run_id: str, key: str) -> Iterator[StepSpan]:
    """A span around a step that is executed, with all its attempts; a step that is only read again has none."""
    if not recorded():
        yield StepSpan(INVALID_SPAN)
        return
    attributes = {"orchestrator.process": process, "orchestrator.run.id": run_id, "orchestrator.step.key": key}
    with _tracer().start_as_current_span(
        f"step {key}", attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield StepSpan(span)


def _placed(origin: Origin | None) -> tuple[Context | None, list[Link]]:
    """The context that a run's span is opened in, and what it is linked with."""
    if origin is None:
        return None, []
    found = _W3C.extract({HEADER: origin.traceparent}, Context())
    if not origin.shared:
        return found, []
    context = trace.get_current_span(found).get_span_context()
    return Context(), [Link(context)] if context.is_valid else []


def _tracer() -> trace.Tracer:
    return trace.get_tracer(SCOPE)
