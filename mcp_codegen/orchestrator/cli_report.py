"""The verb `report`: what a batch came to, as a page and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from mcp_codegen.orchestrator import cli_batch, command_line
from mcp_codegen.orchestrator.cli_history import found_batches, opened
from mcp_codegen.orchestrator.errors import UserError, shown


@click.command()
@click.argument("batch", metavar="BATCH")
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where the files go; by default here.",
)
@click.option("--language", type=click.Choice(["en", "es"]), default="en", show_default=True, help="Of the page.")
@cli_batch.personal_option
@cli_batch.database_option
def report(batch: str, folder: Path, language: Literal["en", "es"], show_personal: bool, database: str) -> None:
    """Tell what BATCH came to, at any time: while it goes on, the runs that have ended so far.

    Writes BATCH.report.html, a page that needs no network, BATCH.report.json, the same for programs, and the results of
    every run that has ended as BATCH.jsonl and BATCH.csv.

    \b
    Example:
      mcp-orchestrator report collection-customers --out reports --language es
    """
    with opened(database) as (kept, history):
        from mcp_codegen.orchestrator.durable.reporting import making  # noqa: PLC0415 - needs the extra

        found_batches(kept, batch)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--out {shown(str(folder))}: {error.strerror}", hint="name another folder") from error
        files = making.make(kept, history, batch, folder / batch, language=language, show_personal=show_personal)
    command_line.say(f"✓ Report saved to: {', '.join(map(str, reversed(files)))}")
