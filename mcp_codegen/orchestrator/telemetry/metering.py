"""What this process counts and measures; by OpenTelemetry's rules for names, which Prometheus' names follow from.

Labels are names of processes, steps and codes of errors, never ids or texts: there are few of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import metrics

from mcp_codegen.orchestrator.record import Outcome, RunRecord

SCOPE = "mcp_codegen.orchestrator"
RUN_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
STEP_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

_meter = metrics.get_meter(SCOPE)
_runs = _meter.create_counter("orchestrator.runs", "{run}", "Runs that ended in this process")
_run_duration = _meter.create_histogram(
    "orchestrator.run.duration",
    "s",
    "From a run's first start to its end",
    explicit_bucket_boundaries_advisory=RUN_SECONDS,
)
_in_flight = _meter.create_up_down_counter("orchestrator.runs.in_flight", "{run}", "Runs in flight in this process")
_steps = _meter.create_counter("orchestrator.steps", "{step}", "Steps that were executed in this process")
_step_duration = _meter.create_histogram(
    "orchestrator.step.duration",
    "s",
    "Of a step, with all its attempts and the waits between them",
    explicit_bucket_boundaries_advisory=STEP_SECONDS,
)
_retries = _meter.create_counter(
    "orchestrator.step.retries", "{retry}", "Attempts that failed and were followed by another"
)
_upstream_errors = _meter.create_counter(
    "orchestrator.upstream.errors", "{attempt}", "Attempts that an API answered with an error, by its HTTP status"
)


@contextmanager
def in_flight(process: str) -> Iterator[None]:
    """Count a run as in flight here as long as the block lasts."""
    _in_flight.add(1, {"process": process})
    try:
        yield
    finally:
        _in_flight.add(-1, {"process": process})


def run_ended(record: RunRecord) -> None:
    """Count a run that ended here."""
    code = record.error.code if record.error else ""
    _runs.add(1, {"process": record.process, "outcome": record.status, "error_code": code})
    _run_duration.record(record.duration, {"process": record.process, "outcome": record.status})


def step_ended(process: str, key: str, outcome: Outcome) -> None:
    """Count a step that was executed here, and its attempts."""
    known = {"process": process, "step": key}
    ended = "error" if outcome.error else "success"
    _steps.add(1, {**known, "outcome": ended, "error_code": outcome.error.code if outcome.error else ""})
    _step_duration.record(outcome.duration, {**known, "outcome": ended})
    for attempt in outcome.retried:
        _retries.add(1, {**known, "error_code": attempt.error.code})
    for error in [*(attempt.error for attempt in outcome.retried), outcome.error]:
        if error is not None and error.status is not None:
            _upstream_errors.add(1, {**known, "status_code": str(error.status)})
