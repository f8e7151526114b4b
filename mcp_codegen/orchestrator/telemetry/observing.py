"""What every engine does around a step that it executes: a span, figures, and words for the log."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from mcp_codegen.orchestrator.record import Outcome, RunRecord
from mcp_codegen.orchestrator.telemetry import metering, tracing
from mcp_codegen.orchestrator.telemetry.logs import PROCESS

logger = logging.getLogger("mcp_codegen.orchestrator.runs")
logger.addHandler(logging.NullHandler())  # the log tells of it; a terminal is told by the verbs themselves


async def step(process: str, run_id: str, key: str, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Execute a step. Its outcome is told by codes: texts of errors may quote personal data."""
    with tracing.step(process, run_id, key) as span:
        outcome = await work()
        span.ended(outcome)
        metering.step_ended(process, key, outcome)
        known: dict[str, object] = {PROCESS: process, "run_id": run_id, "step": key, "attempts": outcome.attempts}
        if outcome.error is not None:
            known |= {"error_code": outcome.error.code, "http_status": outcome.error.status}
            logger.warning("step failed", extra=known)
        else:
            logger.info("step succeeded", extra=known)
    return outcome


def run_ended(record: RunRecord, span: tracing.RunSpan) -> None:
    """Note how a run ended; within its span."""
    span.ended(record)
    metering.run_ended(record)
    known = {PROCESS: record.process, "run_id": record.run_id, "duration": record.duration}
    if record.error is not None:
        known["error_code"] = record.error.code
    level = logging.WARNING if record.status == "failed" else logging.INFO
    logger.log(level, "run %s", record.status, extra=known)
