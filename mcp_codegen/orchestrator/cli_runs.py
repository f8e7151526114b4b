"""The verbs `runs …`: what was run, and what may be done about it."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

import click

from mcp_codegen.orchestrator import cli_batch, masking, moments, shapes
from mcp_codegen.orchestrator.cli_history import WHO_RUNS_THEM, found_run, json_option, opened, tell_changed
from mcp_codegen.orchestrator.record import RunStatus

SHOWN_RUNS = 50

run_ids_argument = click.argument("run_ids", metavar="RUN…", nargs=-1, required=True)


@click.group()
def runs() -> None:
    """Durable runs: list and show them, cancel, resume, retry and fork them."""


@runs.command("list")
@click.option("--batch", metavar="NAME", help="Those of one batch, in the order of its file.")
@click.option("--process", metavar="NAME", help="Those of one process.")
@click.option("--status", type=click.Choice([*get_args(RunStatus), "unfinished"]), help="Those that ended so.")
@click.option("--since", metavar="SPAN|DATE", callback=moments.since, help="Those made since 24h, 7d or 2026-11-01.")
@click.option("--error", metavar="CODE", help="Those that failed with that code.")
@click.option("--limit", type=click.IntRange(1), default=SHOWN_RUNS, show_default=True, help="At most so many.")
@click.option("--after", metavar="RUN", help="Those that come after that one in the list: its next page.")
@cli_batch.database_option
@json_option
def list_runs(  # noqa: PLR0917 - click passes them by name
    batch: str | None,
    process: str | None,
    status: RunStatus | None,
    since: datetime | None,
    error: str | None,
    limit: int,
    after: str | None,
    database: str,
    as_json: bool,
) -> None:
    """Runs, the latest first.

    \b
    What failed today, as it is counted by error code in `batches show`:
      mcp-orchestrator runs list --status failed --since 24h --error upstream_failed
    """
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import lookup  # noqa: PLC0415 - needs the extra

        wanted = lookup.Wanted(
            batch=batch,
            process=process,
            status=status,
            error_code=error,
            since_ms=moments.milliseconds(since) if since is not None else None,
        )
        place = lookup.place(found_run(kept, after), wanted) if after is not None else None
        found = lookup.page(kept, wanted, after=place, limit=limit)
        states = history.states([row.run_id for row in found if row.status is None])
        told = [shapes.run(row, states.get(row.run_id)) for row in found]
    shapes.show_table(told, as_json, [shapes.run_cells(run) for run in told], "no runs")


@runs.command("show")
@click.argument("run_id", metavar="RUN")
@cli_batch.personal_option
@cli_batch.database_option
@json_option
def show_run(run_id: str, show_personal: bool, database: str, as_json: bool) -> None:
    """One run with its input and output, its steps, their attempts and errors."""
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

        row = found_run(kept, run_id)
        told = shapes.run(row, history.states([run_id]).get(run_id) if row.status is None else None)
        record = history.records([run_id]).get(run_id) if row.status is not None else None
        if record is not None:
            record = record if show_personal else masking.masked(record)
            given, steps = record.input, list(record.steps)
        else:
            given, steps = history.given(run_id), history.steps(run_id)
            if not show_personal:
                personal = ledger.personal(kept, row.process)
                steps = masking.masked_steps(steps, given, personal)
                given = masking.masked_data(given, personal)
    whole = shapes.whole_run(told, given, steps, record)
    shapes.show(whole, as_json, shapes.run_lines(whole, steps))


@runs.command("cancel")
@run_ids_argument
@cli_batch.database_option
@json_option
def cancel_runs(run_ids: tuple[str, ...], database: str, as_json: bool) -> None:
    """Stop runs that have not ended; those in the middle of a step are stopped there."""
    with opened(database) as (kept, history):
        open_ones = [run_id for run_id in run_ids if found_run(kept, run_id).status is None]
        cancelled = set(history.cancel(run_ids))
    tell_changed("cancelled", [run_id for run_id in open_ones if run_id in cancelled], run_ids, as_json)


@runs.command("resume")
@run_ids_argument
@cli_batch.database_option
@json_option
def resume_runs(run_ids: tuple[str, ...], database: str, as_json: bool) -> None:
    """Put cancelled runs back: the next start of their batch goes on after their last finished step."""
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import steering  # noqa: PLC0415 - needs the extra

        rows = [found_run(kept, run_id) for run_id in run_ids]
        resumed = [row.run_id for row in rows if steering.resume_run(kept, history, row)]
    tell_changed("put back", resumed, run_ids, as_json)


@runs.command("retry")
@run_ids_argument
@cli_batch.database_option
@json_option
def retry_runs(run_ids: tuple[str, ...], database: str, as_json: bool) -> None:
    """Put failed and cancelled runs back: the next start of their batch goes on with the step that failed.

    A run that failed outside of its steps, or was cancelled, starts anew, under the same idempotency keys.
    """
    with opened(database) as (kept, _):
        from mcp_codegen.orchestrator.durable import steering  # noqa: PLC0415 - needs the extra

        put_back = steering.retry(kept, [found_run(kept, run_id) for run_id in run_ids])
    tell_changed("put back", put_back, run_ids, as_json)


@runs.command("fork-from-step")
@click.argument("run_id", metavar="RUN")
@click.argument("step", metavar="STEP")
@cli_batch.database_option
@json_option
def fork_run(run_id: str, step: str, database: str, as_json: bool) -> None:
    """Make a new run out of one that has ended: what it did before STEP is kept, STEP and all after it are done anew.

    The run itself stays as it is. The new one is a run of its own, RUN.fork-1, with the same input and batch, and with
    idempotency keys of its own: an API does again what it is asked again. To go on under the same keys, use `retry`.
    """
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import steering  # noqa: PLC0415 - needs the extra

        new = steering.fork(kept, history, found_run(kept, run_id), step)
    lines = [f"{new}: a run to be, from the step {step} on", WHO_RUNS_THEM]
    shapes.show({"run_id": new, "forked_from": run_id, "step": step}, as_json, lines)
