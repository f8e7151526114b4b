"""The verb `batch`: words in, exit codes out."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich.console import Console

from mcp_codegen.orchestrator import command_line, loading, runner, store
from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.telemetry import exporting

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mcp_codegen.orchestrator.durable.queues import Priority

DEFAULT_DATABASE = "orchestrator.sqlite"
DATABASE_VARIABLE = "ORCHESTRATOR_DATABASE"

database_option = click.option(
    "--database",
    metavar="FILE|URL",
    default=DEFAULT_DATABASE,
    show_default=True,
    envvar=DATABASE_VARIABLE,
    help="Where runs are kept: an SQLite file, or postgresql://USER@HOST/DATABASE. Also ORCHESTRATOR_DATABASE.",
)
personal_option = click.option(
    "--show-personal", is_flag=True, help="Show in clear what the process or the catalog marks as personal data."
)
concurrency_option = click.option(
    "--concurrency", metavar="N", type=click.IntRange(1, 1000), default=30, show_default=True, help="Runs at a time."
)
rate_limit_option = click.option(
    "--rate-limit",
    metavar="[GATEWAY=]N/s",
    multiple=True,
    help="So many API calls a second (or /min, /h) to each gateway, or to one; over all processes on the database "
    "that are given it.",
)
start_rate_option = click.option(
    "--start-rate",
    metavar="N/s",
    help="Start so many runs a second (or /min, /h); over all processes on the database that are given it.",
)


def check_installed() -> None:
    """Refuse where the durable engine is missing. Raises UserError."""
    if importlib.util.find_spec("dbos") is None:
        raise UserError(
            "durable runs need the durable engine", hint="install it: pip install 'mcp-codegen[orchestrator]'"
        )


@click.command()
@click.argument("process", metavar="PROCESS")
@click.option(
    "--inputs",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="A row for each run: CSV with a header, JSONL, or a JSON array. An empty cell is an input that is not given.",
)
@click.option("--batch", "name", metavar="NAME", help="Its name; by default made of PROCESS's and FILE's.")
@click.option("--key", metavar="INPUT", multiple=True, help="An input that tells rows apart; by default all do.")
@click.option(
    "--priority",
    type=click.Choice(["high", "normal", "low"]),
    default="normal",
    show_default=True,
    help="Which runs start first where those of several batches wait.",
)
@concurrency_option
@rate_limit_option
@start_rate_option
@click.option("--submit-only", "left_to", flag_value="submit", help="Leave the runs to workers, and end.")
@click.option("--wait-for-workers", "left_to", flag_value="wait", help="Leave the runs to workers, and wait for them.")
@click.option("--max-failures", metavar="N", type=click.IntRange(0), help="Stop after more failed runs than that.")
@click.option(
    "--max-failure-rate",
    metavar="SHARE",
    type=command_line.FiniteRange(0, 1),
    help="Stop when a larger share of the runs that ended has failed, such as 0.1; counts from 20 runs on.",
)
@click.option("--dry-run", is_flag=True, help="Check every row, and run nothing.")
@command_line.server_option
@command_line.mock_option
@click.option(
    "--results",
    metavar="NAME",
    type=click.Path(path_type=Path),
    help="Writes NAME.jsonl, NAME.csv, the report NAME.report.html (and .json), and NAME.rejects.csv where rows were "
    "rejected; by default the batch's name.",
)
@personal_option
@database_option
@click.option("--json", "as_json", is_flag=True, help="Print how it went as JSON.")
@command_line.log_format_option
@command_line.debug_option
def batch(  # noqa: PLR0917 - click passes them by name
    process: str,
    file: Path,
    name: str | None,
    key: tuple[str, ...],
    priority: Priority,
    concurrency: int,
    rate_limit: tuple[str, ...],
    start_rate: str | None,
    left_to: Literal["submit", "wait"] | None,
    max_failures: int | None,
    max_failure_rate: float | None,
    dry_run: bool,
    server: str,
    mock: str | None,
    results: Path | None,
    show_personal: bool,
    database: str,
    as_json: bool,
    debug: bool,
) -> None:
    """Run PROCESS for every row of a file, durably: killed at any moment, the same command goes on where it was.

    A row is run once under its batch's name: the same file again runs only what is new in it. Failed runs stay as they
    are until `mcp-orchestrator runs retry`. Runs are executed here, and by every `mcp-orchestrator worker` of PROCESS
    on the same database.

    \b
    Exit codes: 0 every run of the batch succeeded, 1 some did not, or nothing could run, 2 it was not started because
    of what was typed, 3 rows were rejected and all other runs succeeded, 4 stopped by --max-failures or
    --max-failure-rate, or by `batches pause` or `cancel`, 130 or 143 stopped by Ctrl-C or SIGTERM.

    \b
    Over a stand-in of the APIs:
      mcp-orchestrator batch billing.py --inputs customers.csv --mock
    Before all others that wait, by workers on other machines:
      mcp-orchestrator batch billing.py --inputs urgent.csv --priority high --wait-for-workers --database URL
    Next month, the same customers again:
      mcp-orchestrator batch billing.py --inputs customers.csv --batch billing-2026-12
    """
    command_line.set_up_logging(debug)
    with command_line.refusing():
        check_installed()
        from mcp_codegen.orchestrator.durable import batch_verb, batching, limiting  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable.endings import Ending  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable.exporting import with_suffix  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.durable.order import Order  # noqa: PLC0415 - the same

        command_line.check_server(server)
        if left_to and (rate_limit or start_rate):
            raise UserError(
                f"{'--rate-limit' if rate_limit else '--start-rate'} is for those who execute the runs",
                hint="give it to `mcp-orchestrator worker`",
            )
        loaded, path = loading.load(process)
        catalog = command_line.mock_catalog(mock, server, path)
        chosen = batching.name(name, loaded.name, file, mock=mock is not None)
        results = results or Path(chosen)
        store.prepare(with_suffix(results, ".jsonl"))
        order = Order(
            process=loaded,
            file=file,
            batch=chosen,
            key=key,
            server=server,
            mock=catalog,
            results=results,
            show_personal=show_personal,
            priority=priority,
            mode=left_to or "work",
            rates=limiting.by_gateway(rate_limit, loaded.client),
            start_rate=limiting.rate(start_rate, "--start-rate") if start_rate else None,
            limits=batching.Limits(
                concurrency=concurrency, max_failures=max_failures, max_failure_rate=max_failure_rate
            ),
        )

        def end(ending: Ending) -> int:
            command_line.say(ending.to_json() if as_json else ending.text)
            return ending.code

        async def execute(kept: sa.Engine) -> int:
            return end(await batch_verb.execute(order, kept, Console(stderr=True, highlight=False)))

        if dry_run:
            with databases.told():
                code = end(batch_verb.rehearse(order, database))
        else:
            kept = databases.connect(database)
            try:
                with databases.told(), exporting.exported("mcp-orchestrator"):
                    code = runner.completed(execute(kept))
            finally:
                kept.dispose()
    sys.exit(code)
