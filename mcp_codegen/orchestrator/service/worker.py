"""A worker of the service, as a program: takes runs from one process's queue until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from pathlib import Path

import click

from mcp_codegen.orchestrator import cli_batch, command_line, loading, runner
from mcp_codegen.orchestrator.durable import database as databases
from mcp_codegen.orchestrator.durable import transact
from mcp_codegen.orchestrator.errors import describe, printable
from mcp_codegen.orchestrator.loading import AnyProcess
from mcp_codegen.orchestrator.summary import error_text
from mcp_codegen.orchestrator.telemetry import exporting

EXIT_AGAIN = 75
"""As sysexits.h has it: a failure that passes."""

logger = logging.getLogger(__name__)


@click.command()
@click.argument("process")
@click.option("--server", required=True)
@click.option("--mock", type=click.Path(path_type=Path))
@click.option("--concurrency", type=int, required=True)
@click.option("--grace", type=int, required=True)
@cli_batch.database_option
@command_line.log_format_option
@command_line.debug_option
def main(
    process: str, server: str, mock: Path | None, concurrency: int, grace: int, database: str, debug: bool
) -> None:
    """Work until SIGTERM, or until standard input closes: whoever started this has ended."""
    command_line.set_up_logging(debug)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with command_line.refusing():
        loaded, _ = loading.load(process)
        with exporting.exported("mcp-orchestrator-worker"):
            code = asyncio.run(_work(loaded, database, server, mock, concurrency, grace))
    sys.exit(code)


async def _work(
    process: AnyProcess, database: str, server: str, mock: Path | None, concurrency: int, grace: int
) -> int:
    stop = asyncio.Event()
    kept = databases.connect(database)
    with runner.interruptible(stop.set, lambda: os._exit(1)):
        try:
            async with (
                runner.connected(process, server, mock) as client,
                transact.opened(kept, process, client, concurrency=concurrency, mock=mock is not None) as engine,
            ):
                waits = [asyncio.create_task(event.wait()) for event in (stop, engine.broken)]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
                engine.pause()
                await engine.quiet(grace)
                return 0 if stop.is_set() else EXIT_AGAIN
        except Exception as error:  # connecting may raise anything
            logger.debug("the worker failed", exc_info=True)
            text = error_text(describe(runner.connection_failure(server, error)))
            print(f"mcp-orchestrator: the worker of {process.name}: {printable(text)}", file=sys.stderr)
            return EXIT_AGAIN


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
