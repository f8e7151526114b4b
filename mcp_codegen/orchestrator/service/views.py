"""How runs and batches are shown: masked for those whose role does not see personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, JsonValue

from mcp_codegen.orchestrator.record import ErrorRecord, RunRecord, StepRecord
from mcp_codegen.orchestrator.service.paging import moment, moment_or_none

RunStatus = Literal["queued", "running", "held", "succeeded", "failed", "cancelled"]


class _View(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, frozen=True)


class ErrorView(_View):
    """Why a run failed."""

    code: str
    message: str


class RunView(_View):
    """A run, in short."""

    run_id: str
    process: str
    batch: str | None
    row: int | None
    """Its place in the batch's file."""
    status: RunStatus
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration: float | None
    """Seconds."""
    retries: int
    """Of its steps."""
    failed_step: str | None
    error: ErrorView | None
    forked_from: str | None
    """The run whose first steps it took over."""


class RunDetail(RunView):
    """A run with its input, its output and its steps."""

    input: JsonValue
    output: JsonValue
    steps: list[dict[str, JsonValue]]
    """As in the results file's `execution_log`: key, title, status, timestamp, duration, attempts, data, error."""


class RunPage(_View):
    """Runs: those of a batch in the order of its file, others the latest first."""

    runs: list[RunView]
    next: str | None
    """The `cursor` of the next page; none on the last one."""


class FailureView(_View):
    """Runs of a batch that failed alike."""

    code: str
    step: str | None
    message: str
    runs: int


class BatchView(_View):
    """A batch, in short."""

    batch: str
    process: str
    state: str
    priority: str
    created_at: datetime
    ended_at: datetime | None
    rejected: int
    """Rows of its file that did not fit the process's input."""
    runs: dict[str, int]
    """How many ended how; those that have not are `unfinished`."""


class BatchDetail(BatchView):
    """A batch with its most frequent failures."""

    failures: list[FailureView]
    problem: str | None
    """Why its file could not be read to the end."""


class BatchPage(_View):
    """Batches, the latest first."""

    batches: list[BatchView]
    next: str | None
    """The `cursor` of the next page; none on the last one."""


def run(row: sa.Row[Any], state: str | None) -> RunView:
    """A run as the ledger has it; `state` is what the engine says of one that has not ended."""
    return RunView(**_run(row, state))


def detail(
    row: sa.Row[Any], state: str | None, given: JsonValue, record: RunRecord | None, steps: Sequence[StepRecord]
) -> RunDetail:
    """A run with everything; `record`, `steps` and `given` are masked already, or may be seen."""
    told = [_step(step) for step in (record.steps if record else steps)]
    output = record.output if record else {}
    return RunDetail(**_run(row, state), input=record.input if record else given, output=output, steps=told)


def batch(row: sa.Row[Any], counts: Mapping[str, int]) -> BatchView:
    """A batch as the ledger has it."""
    return BatchView(**_batch(row, counts))


def batch_detail(
    row: sa.Row[Any],
    counts: Mapping[str, int],
    failures: Sequence[tuple[str, str | None, str, int]],
) -> BatchDetail:
    """A batch with its failures."""
    told = [FailureView(code=code, step=step, message=message, runs=many) for code, step, message, many in failures]
    return BatchDetail(**_batch(row, counts), failures=told, problem=row.problem)


def error(record: ErrorRecord) -> ErrorView:
    """An error, in short."""
    return ErrorView(code=record.code, message=record.message)


def _run(row: sa.Row[Any], state: str | None) -> dict[str, Any]:
    seconds = None if row.ended_ms is None or row.started_ms is None else (row.ended_ms - row.started_ms) / 1000
    return {
        "run_id": row.run_id,
        "process": row.process,
        "batch": row.batch,
        "row": row.row,
        "status": row.status or state or "queued",
        "created_at": moment(row.created_ms),
        "started_at": moment_or_none(row.started_ms),
        "ended_at": moment_or_none(row.ended_ms),
        "duration": seconds,
        "retries": row.steps_retried,
        "failed_step": row.failed_step,
        "forked_from": row.forked_from,
        "error": ErrorView(code=row.error_code, message=row.error_message or "") if row.error_code else None,
    }


def _batch(row: sa.Row[Any], counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "batch": row.batch,
        "process": row.process,
        "state": row.state,
        "priority": row.priority,
        "created_at": moment(row.created_ms),
        "ended_at": moment_or_none(row.ended_ms),
        "rejected": row.rejected,
        "runs": dict(counts),
    }


def _step(step: StepRecord) -> dict[str, JsonValue]:
    return step.model_dump(mode="json", exclude={"personal"})
