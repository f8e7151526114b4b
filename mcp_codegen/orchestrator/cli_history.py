"""The verbs `runs` and `batches`: what was run, and what may be done about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mcp_codegen.orchestrator import cli_batch, command_line
from mcp_codegen.orchestrator.errors import UserError, printable, shown
from mcp_codegen.orchestrator.summary import error_text, step_line

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mcp_codegen.orchestrator.durable.transact import History

STATUSES = ("succeeded", "failed", "cancelled", "unfinished")
SHOWN_RUNS = 50

json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.group()
def runs() -> None:
    """Durable runs: list and show them, cancel, resume and retry them."""


@click.group()
def batches() -> None:
    """Batches: list and show them, retry what failed in one."""


@runs.command("list")
@click.option("--batch", metavar="NAME", help="Those of one batch.")
@click.option("--status", type=click.Choice(STATUSES), help="Those that ended so.")
@click.option("--limit", type=click.IntRange(1), default=SHOWN_RUNS, show_default=True, help="At most so many.")
@cli_batch.database_option
@json_option
def list_runs(batch: str | None, status: str | None, limit: int, database: str, as_json: bool) -> None:
    """The latest runs."""
    with _opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

        found = ledger.find_runs(kept, batch=batch, status=status, limit=limit)
        states = history.states([row.run_id for row in found if row.status is None])
        told = [_run(row, states.get(row.run_id)) for row in found]
    _print(told, as_json, [_run_line(run) for run in told] or ["no runs"])


@runs.command("show")
@click.argument("run_id", metavar="RUN")
@cli_batch.database_option
@json_option
def show_run(run_id: str, database: str, as_json: bool) -> None:
    """One run with its steps, their attempts and errors."""
    with _opened(database) as (kept, history):
        row = _found(kept, run_id)
        steps = history.steps(run_id)
        told = _run(row, history.states([run_id]).get(run_id) if row.status is None else None)
        record = history.records([run_id]).get(run_id)
    lines = [_run_line(told), *(f"  {step_line(step)}" for step in (record.steps if record else steps))]
    lines += [
        f"      attempt {number} of {step.key}: {error_text(attempt.error)}"
        for step in steps
        for number, attempt in enumerate(step.retried, 1)
    ]
    data = told | {"steps": [step.model_dump(mode="json") for step in (record.steps if record else steps)]}
    _print(data | {"output": record.output if record else {}}, as_json, lines)


@runs.command("cancel")
@click.argument("run_ids", metavar="RUN…", nargs=-1, required=True)
@cli_batch.database_option
@json_option
def cancel_runs(run_ids: tuple[str, ...], database: str, as_json: bool) -> None:
    """Stop runs that have not ended; those in the middle of a step are stopped there."""
    with _opened(database) as (kept, history):
        open_ones = [run_id for run_id in run_ids if _found(kept, run_id).status is None]
        history.cancel(open_ones)
    _changed("cancelled", open_ones, run_ids, as_json)


@runs.command("resume")
@click.argument("run_ids", metavar="RUN…", nargs=-1, required=True)
@cli_batch.database_option
@json_option
def resume_runs(run_ids: tuple[str, ...], database: str, as_json: bool) -> None:
    """Put cancelled runs back: the next start of their batch goes on after their last finished step."""
    with _opened(database) as (kept, history):
        chosen = [row for run_id in run_ids if (row := _found(kept, run_id)).status == "cancelled"]
        for row in chosen:
            history.resume(row.run_id)
    _changed("put back", [row.run_id for row in chosen], run_ids, as_json)


@runs.command("retry")
@click.argument("run_ids", metavar="RUN…", nargs=-1, required=True)
@cli_batch.database_option
@json_option
def retry_runs(run_ids: tuple[str, ...], database: str, as_json: bool) -> None:
    """Put failed and cancelled runs back: the next start of their batch goes on with the step that failed.

    A run that failed outside of its steps, or was cancelled, starts anew, under the same idempotency keys.
    """
    with _opened(database) as (kept, _):
        chosen = [row for run_id in run_ids if (row := _found(kept, run_id)).status in ("failed", "cancelled")]
        _reopen(kept, chosen)
    _changed("put back", [row.run_id for row in chosen], run_ids, as_json)


@batches.command("list")
@cli_batch.database_option
@json_option
def list_batches(database: str, as_json: bool) -> None:
    """All batches, the latest first."""
    with _opened(database) as (kept, _):
        told = _batches(kept)
    _print(told, as_json, [_batch_line(batch) for batch in told] or ["no batches"])


@batches.command("show")
@click.argument("name", metavar="BATCH")
@cli_batch.database_option
@json_option
def show_batch(name: str, database: str, as_json: bool) -> None:
    """One batch with its most frequent failures."""
    with _opened(database) as (kept, _):
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

        told = _batches(kept, name)
        failures = [
            {"code": code, "step": step, "message": message, "runs": count}
            for code, step, message, count in ledger.failures(kept, name)
        ]
    lines = [_batch_line(told[0])]
    lines += [
        f"  {each['runs']} of {each['code']} at {each['step'] or 'no step'}: {each['message']}" for each in failures
    ]
    _print(told[0] | {"failures": failures}, as_json, lines)


@batches.command("retry-failed")
@click.argument("name", metavar="BATCH")
@cli_batch.database_option
@json_option
def retry_failed(name: str, database: str, as_json: bool) -> None:
    """Put the failed runs of a batch back, as `runs retry` does with each."""
    with _opened(database) as (kept, _):
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

        _batches(kept, name)
        failed = [row for page in ledger.pages(kept, name) for row in page if row.status == "failed"]
        _reopen(kept, failed)
    ids = [row.run_id for row in failed]
    _changed("put back", ids, ids, as_json)


@contextmanager
def _opened(database: str) -> Iterator[tuple[sa.Engine, History]]:
    """The database and the engine's memory of it; refuses where there is none."""
    with command_line.refusing():
        cli_batch.check_installed()
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.durable import ledger, transact  # noqa: PLC0415 - the same

        kept = databases.connect(database, create=False)
        ledger.prepare(kept)
        with transact.history(kept) as history:
            if history is None:
                raise UserError("the database holds no runs yet", hint="`mcp-orchestrator batch` makes some")
            yield kept, history


def _found(kept: sa.Engine, run_id: str) -> Any:  # noqa: ANN401 - a row
    from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

    row = ledger.find_run(kept, run_id)
    if row is None:
        raise UserError(f"there is no run {shown(run_id)}", hint="`mcp-orchestrator runs list` shows those that are")
    return row


def _reopen(kept: sa.Engine, rows: Sequence[Any]) -> None:
    from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

    for row in rows:
        ledger.reopen(kept, row.run_id, row.failed_step or "")


def _batches(kept: sa.Engine, name: str | None = None) -> list[dict[str, Any]]:
    from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

    found = ledger.find_batches(kept, name)
    if name is not None and not found:
        raise UserError(f"there is no batch {shown(name)}", hint="`mcp-orchestrator batches list` shows those that are")
    return [
        {
            "batch": row.batch,
            "process": row.process,
            "source": row.source,
            "mock": row.mock,
            "state": row.state,
            "created_at": _moment(row.created_ms),
            "ended_at": _moment(row.ended_ms),
            "rejected": row.rejected,
            "runs": ledger.counts(kept, row.batch),
        }
        for row in found
    ]


def _run(row: Any, state: str | None) -> dict[str, Any]:  # noqa: ANN401 - a row
    seconds = None if row.ended_ms is None or row.started_ms is None else (row.ended_ms - row.started_ms) / 1000
    return {
        "run_id": row.run_id,
        "batch": row.batch,
        "row": row.row,
        "process": row.process,
        "status": row.status or state or "queued",
        "created_at": _moment(row.created_ms),
        "started_at": _moment(row.started_ms),
        "ended_at": _moment(row.ended_ms),
        "duration": seconds,
        "retries": row.steps_retried,
        "failed_step": row.failed_step,
        "error": {"code": row.error_code, "message": row.error_message} if row.error_code else None,
    }


def _run_line(run: dict[str, Any]) -> str:
    took = f"  {run['duration']:.2f} s" if run["duration"] is not None else ""
    error = f"  {run['error']['message']} ({run['error']['code']})" if run["error"] else ""
    return f"{run['run_id']}  {run['status']}  {run['created_at']}{took}{error}"


def _batch_line(batch: dict[str, Any]) -> str:
    counted = ", ".join(f"{count} {word}" for word, count in sorted(batch["runs"].items()))
    rejected = f", {batch['rejected']} rejected" if batch["rejected"] else ""
    return f"{batch['batch']}  {batch['process']}  {batch['state']}  {batch['created_at']}  {counted}{rejected}"


def _moment(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _changed(what: str, changed: Sequence[str], asked: Sequence[str], as_json: bool) -> None:
    untouched = [run_id for run_id in asked if run_id not in set(changed)]
    lines = [f"{len(changed)} {what}"]
    lines += [f"{run_id}: not {what}, its status does not allow it" for run_id in untouched]
    if what == "put back" and changed:
        lines.append("the command that started their batch runs them")
    _print({what.replace(" ", "_"): list(changed), "untouched": untouched}, as_json, lines)
    sys.exit(0 if changed or not asked else 1)


def _print(data: object, as_json: bool, lines: Sequence[str]) -> None:
    command_line.say(json.dumps(data, indent=2) if as_json else "\n".join(map(printable, lines)))
