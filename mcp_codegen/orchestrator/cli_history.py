"""What the verbs over the history have in common: the database, and the runs and batches that are named."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mcp_codegen.orchestrator import cli_batch, command_line, shapes
from mcp_codegen.orchestrator.errors import UserError, shown

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mcp_codegen.orchestrator.durable.transact import History

json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON: docs/history.md has its shape.")

WHO_RUNS_THEM = "the command that started the batch runs what was put back, or a worker of the process does"


@contextmanager
def opened(database: str) -> Iterator[tuple[sa.Engine, History]]:
    """The database and the engine's memory of it; refuses where there is none."""
    with command_line.refusing():
        cli_batch.check_installed()
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.durable import ledger, transact  # noqa: PLC0415 - the same

        kept = databases.connect(database, create=False)
        ledger.prepare(kept)
        with databases.told(), transact.history(kept) as history:
            if history is None:
                raise UserError("the database holds no runs yet", hint="`mcp-orchestrator batch` makes some")
            yield kept, history


def found_run(kept: sa.Engine, run_id: str) -> Any:  # noqa: ANN401 - a row
    """The run of that id. Raises UserError."""
    from mcp_codegen.orchestrator.durable import ledger  # noqa: PLC0415 - needs the extra

    row = ledger.find_run(kept, run_id)
    if row is None:
        raise UserError(f"there is no run {shown(run_id)}", hint="`mcp-orchestrator runs list` shows those that are")
    return row


def found_batches(kept: sa.Engine, name: str | None = None) -> list[dict[str, Any]]:
    """All batches, the latest first, or the one of that name. Raises UserError."""
    from mcp_codegen.orchestrator.durable import batch_ledger  # noqa: PLC0415 - needs the extra

    rows = batch_ledger.find(kept, name)
    if name is not None and not rows:
        raise UserError(f"there is no batch {shown(name)}", hint="`mcp-orchestrator batches list` shows those that are")
    return [shapes.batch(row, batch_ledger.counts(kept, row.batch)) for row in rows]


def tell_changed(what: str, changed: Sequence[str], asked: Sequence[str], as_json: bool) -> None:
    """Say which runs were changed, and which not; exit code 1 where none of those that were asked for was."""
    untouched = [run_id for run_id in asked if run_id not in set(changed)]
    lines = [f"{len(changed)} {what}"]
    lines += [f"{run_id}: not {what}, its status does not allow it" for run_id in untouched]
    if what == "put back" and changed:
        lines.append(WHO_RUNS_THEM)
    shapes.show({what.replace(" ", "_"): list(changed), "untouched": untouched}, as_json, lines)
    sys.exit(0 if changed or not asked else 1)
