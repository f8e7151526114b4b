"""`mcp-orchestrator`: words in, exit codes out."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from mcp_codegen.orchestrator import (
    cli_batch,
    cli_batches,
    cli_keys,
    cli_prune,
    cli_report,
    cli_runs,
    cli_serve,
    cli_webhooks,
    cli_worker,
    command_line,
    inputs,
    loading,
    runner,
    store,
    summary,
)
from mcp_codegen.orchestrator.errors import ResultsError, UserError, shown
from mcp_codegen.orchestrator.process import Process
from mcp_codegen.orchestrator.progress import Progress
from mcp_codegen.orchestrator.record import RunRecord

EXIT_SUCCEEDED, EXIT_FAILED = 0, 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mcp-codegen", prog_name="mcp-orchestrator")
def main() -> None:
    """Run business processes over the clients that mcp-codegen generates.

    A process is a Python file that defines a `Process`: a typed input, the client it calls, and its steps.

    \b
    Try one without credentials and without a network:
      mcp-orchestrator run catalog/telefonica/customer_billing.py \\
        --input customer_id=45829374 --input msisidn=56987654321 --mock
    See what a process takes:
      mcp-orchestrator show catalog/telefonica/customer_billing.py
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter shows another, and nothing breaks


COMMANDS = (
    *(cli_batch.batch, cli_worker.worker, cli_report.report),
    *(cli_runs.runs, cli_batches.batches, cli_prune.prune),
    *(cli_serve.serve, cli_keys.keys, cli_webhooks.webhooks),
)
for verb in COMMANDS:
    main.add_command(verb)


@main.command()
@click.argument("process", metavar="PROCESS")
@click.option("--input", "-i", "pairs", metavar="NAME=VALUE", multiple=True, help="One input; repeat it for each.")
@click.option("--input-json", metavar="FILE", help="A JSON object of inputs; - reads it from standard input.")
@command_line.server_option
@command_line.mock_option
@click.option(
    "--results",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=Path("orchestrator_results.json"),
    show_default=True,
    help="Where results are saved, whether the process succeeds or fails.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results instead of the summary.")
@command_line.debug_option
def run(  # noqa: PLR0917 - click passes them by name
    process: str,
    pairs: tuple[str, ...],
    input_json: str | None,
    server: str,
    mock: str | None,
    results: Path,
    as_json: bool,
    debug: bool,
) -> None:
    """Run PROCESS once: a .py file, or FILE.py:NAME where it defines several.

    \b
    Exit codes: 0 the process succeeded, 1 it failed or its results could not be saved, 2 it was not started
    because of what was typed, 130 or 143 it was stopped by Ctrl-C or SIGTERM. Once it has started, results are
    saved in every case.

    \b
    Over the real APIs, with credentials from the environment or .env:
      mcp-orchestrator run billing.py --input customer_id=45829374 --input msisidn=56987654321
    Over a server that runs already:
      mcp-orchestrator run billing.py --input-json customer.json --server http://127.0.0.1:8000/mcp
    (a key or a token for it is read from the environment variable MCP_TOKEN)
    Over a stand-in of the APIs:
      mcp-orchestrator run billing.py --input-json customer.json --mock
    """
    command_line.set_up_logging(debug)
    with command_line.refusing():
        command_line.check_server(server)
        loaded, path = loading.load(process)
        catalog = command_line.mock_catalog(mock, server, path)
        given = inputs.read(loaded.input, pairs, _document(input_json))
        shown_results, results = results, store.prepare(results)
    progress = Progress(Console(stderr=True, highlight=False))
    codes: list[int] = []
    endings: list[threading.Timer] = []

    def finish(record: RunRecord, stopped_by: int | None) -> None:
        progress.close()
        saved = _save(record, results)
        codes.append(_exit_code(record, stopped_by, saved))
        closing = f"✓ Results saved to: {shown_results}" if saved is None else f"✗ {saved.message}"
        _report(loaded, record, closing, as_json)
        # Everything is said and saved: tasks that do not end may not keep the program from ending.
        endings.append(threading.Timer(runner.GRACE_SECONDS, os._exit, [codes[0]]))
        endings[0].daemon = True
        endings[0].start()

    try:
        asyncio.run(runner.run(loaded, given, server=server, mock=catalog, watch=progress, finish=finish))
    finally:
        progress.close()
        for ending in endings:
            ending.cancel()
    sys.exit(codes[0])


@main.command()
@click.argument("process", metavar="PROCESS")
def show(process: str) -> None:
    """Tell what PROCESS does and which inputs it takes.

    \b
    Example:
      mcp-orchestrator show catalog/telefonica/customer_billing.py
    """
    with command_line.refusing():
        loaded, _ = loading.load(process)
        described = inputs.describe(loaded.input)
    lines = [f"{loaded.name}: {loaded.title}"]
    if about := inspect.getdoc(loaded.body):
        lines += ["", *about.splitlines()]
    lines += ["", f"Client: {loaded.client.__module__}.{loaded.client.__qualname__}", "", "Inputs:"]
    lines += [f"  {line}" for line in described]
    command_line.say("\n".join(lines))


def _document(file: str | None) -> str | None:
    if file is None:
        return None
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"--input-json {shown(file)}: {error.strerror}", hint="name a JSON file, or - for stdin"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"--input-json {shown(file)}: it is not UTF-8 text", hint="save it as UTF-8") from error


def _save(record: RunRecord, results: Path) -> ResultsError | None:
    try:
        store.save(record, results)
    except ResultsError as error:
        return error
    return None


def _report(process: Process[Any, Any, Any], record: RunRecord, closing: str, as_json: bool) -> None:
    try:
        if as_json:
            click.echo(store.to_text(record), nl=False)
            if closing.startswith("✗"):
                command_line.say(closing, sys.stderr)
        else:
            command_line.say(summary.render(process, record, closing))
    except (OSError, ValueError) as error:  # standard output is full or closed; results are saved
        logging.getLogger(__name__).debug("nothing could be printed: %s", type(error).__name__)


def _exit_code(record: RunRecord, stopped_by: int | None, not_saved: ResultsError | None) -> int:
    if record.status == "cancelled" and stopped_by is not None:
        return runner.EXIT_SIGNAL + stopped_by
    return EXIT_SUCCEEDED if record.status == "succeeded" and not_saved is None else EXIT_FAILED
