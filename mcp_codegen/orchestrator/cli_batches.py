"""The verbs `batches …`: how batches go, and what may be done about it."""

from __future__ import annotations

import click

from mcp_codegen.orchestrator import cli_batch, shapes
from mcp_codegen.orchestrator.cli_history import WHO_RUNS_THEM, found_batches, json_option, opened, tell_changed
from mcp_codegen.orchestrator.summary import cut

name_argument = click.argument("name", metavar="BATCH")


@click.group()
def batches() -> None:
    """Batches: list and show them, pause, resume and cancel them, retry what failed in one."""


@batches.command("list")
@cli_batch.database_option
@json_option
def list_batches(database: str, as_json: bool) -> None:
    """All batches, the latest first."""
    with opened(database) as (kept, _):
        told = found_batches(kept)
    shapes.show_table(told, as_json, [shapes.batch_cells(batch) for batch in told], "no batches")


@batches.command("show")
@name_argument
@cli_batch.database_option
@json_option
def show_batch(name: str, database: str, as_json: bool) -> None:
    """One batch with its most frequent failures."""
    with opened(database) as (kept, _):
        from mcp_codegen.orchestrator.durable import batch_ledger  # noqa: PLC0415 - needs the extra

        [told] = found_batches(kept, name)
        failures = [
            {"code": code, "step": step, "message": message, "runs": count}
            for code, step, message, count in batch_ledger.failures(kept, name)
        ]
    lines = ["  ".join(cell for cell in shapes.batch_cells(told).values() if cell)]
    lines += [
        f"  {each['runs']} of {each['code']} at {each['step'] or 'no step'}: {cut(str(each['message']))}"
        for each in failures
    ]
    shapes.show(told | {"failures": failures}, as_json, lines)


@batches.command("pause")
@name_argument
@cli_batch.database_option
@json_option
def pause_batch(name: str, database: str, as_json: bool) -> None:
    """Start nothing more of a batch: its runs in flight end, those that wait are held, no more rows are submitted.

    It stays paused, also when the same command is given again, until `batches resume`.
    """
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import steering  # noqa: PLC0415 - needs the extra

        held = steering.pause(kept, history, name)
    lines = [f"{name} is paused; {held} runs are held", f"to go on: mcp-orchestrator batches resume {name}"]
    shapes.show({"batch": name, "state": "paused", "held": held}, as_json, lines)


@batches.command("resume")
@name_argument
@cli_batch.database_option
@json_option
def resume_batch(name: str, database: str, as_json: bool) -> None:
    """Let a paused batch go on, or undo its cancellation: its runs go on after their last finished steps."""
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import batch_ledger, steering  # noqa: PLC0415 - needs the extra

        released = steering.resume(kept, history, name)
        state = batch_ledger.state(kept, name)
    lines = [f"{name} may go on; {released} runs were put back", WHO_RUNS_THEM]
    shapes.show({"batch": name, "state": state, "put_back": released}, as_json, lines)


@batches.command("cancel")
@name_argument
@cli_batch.database_option
@json_option
def cancel_batch(name: str, database: str, as_json: bool) -> None:
    """Cancel what has not ended of a batch: runs in flight stop at their step, and no more rows are submitted."""
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import steering  # noqa: PLC0415 - needs the extra

        cancelled = steering.cancel(kept, history, name)
    lines = [
        f"{name} is cancelled, and with it {cancelled} runs",
        f"to undo it: mcp-orchestrator batches resume {name}",
    ]
    shapes.show({"batch": name, "state": "cancelled", "cancelled": cancelled}, as_json, lines)


@batches.command("retry-failed")
@name_argument
@cli_batch.database_option
@json_option
def retry_failed(name: str, database: str, as_json: bool) -> None:
    """Put the failed runs of a batch back, as `runs retry` does with each."""
    with opened(database) as (kept, _):
        from mcp_codegen.orchestrator.durable import batch_ledger, steering  # noqa: PLC0415 - needs the extra

        found_batches(kept, name)
        failed = [row for page in batch_ledger.pages(kept, name) for row in page if row.status == "failed"]
        put_back = steering.retry(kept, failed)
    tell_changed("put back", put_back, put_back, as_json)
