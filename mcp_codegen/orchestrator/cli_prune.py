"""The verb `prune`: how long the database remembers."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from rich.console import Console

from mcp_codegen.orchestrator import cli_batch, moments, runner, shapes
from mcp_codegen.orchestrator.cli_history import found_batches, json_option, opened

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mcp_codegen.orchestrator.durable import pruning
    from mcp_codegen.orchestrator.durable.transact import History

EXIT_INTERRUPTED = runner.EXIT_SIGNAL + signal.SIGINT
KEEPS_ITS_SIZE = "the file keeps its size, and the space is used again; --vacuum gives it back"
AUTOVACUUM = "PostgreSQL's autovacuum makes the space free to be used again"


@click.command()
@click.option(
    "--older-than",
    "age",
    metavar="SPAN",
    required=True,
    callback=moments.span,
    help="Runs that ended longer ago than that: a number and s, m, h, d or w, such as 30d.",
)
@click.option("--batch", metavar="NAME", help="Only runs of that batch.")
@click.option("--dry-run", is_flag=True, help="Count them, and remove nothing.")
@click.option("--vacuum", is_flag=True, help="Rewrite the SQLite file, so that it shrinks and nothing is left in it.")
@cli_batch.database_option
@json_option
def prune(  # noqa: PLR0917 - click passes them by name
    age: timedelta, batch: str | None, dry_run: bool, vacuum: bool, database: str, as_json: bool
) -> None:
    """Remove runs that ended long ago, with their inputs, steps and results, and batches that have none left.

    A run that has not ended is never removed. It may be stopped at any moment, and goes on when it is started again.
    A row whose run was removed is run again if it is submitted again under the name of its batch.

    \b
    Every night:
      mcp-orchestrator prune --older-than 30d
    """
    before_ms = max(0, moments.milliseconds(datetime.now(UTC)) - int(age.total_seconds() * 1000))
    interrupted, vacuumed = False, False
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable import pruning  # noqa: PLC0415 - needs the extra

        if batch is not None:
            found_batches(kept, batch)
        pruned = pruning.count(kept, before_ms, batch) if dry_run else pruning.Pruned()
        if not dry_run:
            interrupted = _removed_until_interrupted(kept, history, before_ms, batch, pruned)
        sqlite = kept.dialect.name == "sqlite"
        if vacuum and sqlite and not dry_run and not interrupted:
            pruning.shrink(kept)
            vacuumed = True
    before = moments.told(before_ms)
    verb = "would be removed" if dry_run else "removed"
    lines = [f"{pruned.runs} runs and {pruned.batches} batches that ended before {before}: {verb}"]
    if interrupted:
        lines.append("interrupted; the same command does the rest")
    elif pruned.runs and not dry_run and not vacuumed:
        lines.append(KEEPS_ITS_SIZE if sqlite else AUTOVACUUM)
    data = {"runs": pruned.runs, "batches": pruned.batches, "before": before, "dry_run": dry_run}
    shapes.show(data | {"vacuumed": vacuumed, "interrupted": interrupted}, as_json, lines)
    sys.exit(EXIT_INTERRUPTED if interrupted else 0)


def _removed_until_interrupted(
    kept: sa.Engine, history: History, before_ms: int, batch: str | None, pruned: pruning.Pruned
) -> bool:
    from mcp_codegen.orchestrator.durable import pruning  # noqa: PLC0415 - needs the extra

    console = Console(stderr=True, highlight=False)
    with console.status("removing…") as status:
        try:
            pruning.prune(
                kept, history, before_ms, batch, pruned, watch=lambda: status.update(f"{pruned.runs} removed")
            )
        except KeyboardInterrupt:
            return True
    return False
