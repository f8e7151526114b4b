"""What the verbs have in common: words of the command line that several take, and how mistakes are said."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import click

from mcp_codegen.orchestrator import connecting, runner, summary
from mcp_codegen.orchestrator.errors import OrchestratorError, UserError, shown
from mcp_codegen.orchestrator.telemetry import logs

BESIDE_PROCESS = "BESIDE-PROCESS"
CATALOG_NAMES = ("api_catalog.json", "api_catalog.yaml", "api_catalog.yml")
EXIT_UNSAID, EXIT_USAGE = 1, 2

server_option = click.option(
    "--server",
    metavar="stdio|in-process|URL",
    default=connecting.STDIO,
    show_default=True,
    help="Where the tools are: a child process, this process, or a server that runs already.",
)
mock_option = click.option(
    "--mock",
    metavar="[CATALOG]",
    is_flag=False,
    flag_value=BESIDE_PROCESS,
    help="Answer from a stand-in of the catalog's APIs, started for this run. Without CATALOG, which is then "
    "api_catalog.* beside PROCESS, write it after PROCESS.",
)
LOG_FORMAT_VARIABLE = "ORCHESTRATOR_LOG_FORMAT"


def _use_log_format(_context: click.Context, _option: click.Parameter, chosen: str) -> None:
    if chosen == "json":
        os.environ[LOG_FORMAT_VARIABLE] = chosen  # for the workers that it starts
        logs.set_up()


log_format_option = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    envvar=LOG_FORMAT_VARIABLE,
    expose_value=False,
    callback=_use_log_format,
    help="json: lines on standard error with the ids of run, step and trace, without secrets and personal data.",
)
debug_option = click.option(
    "--debug", is_flag=True, help="Show the whole of each error on standard error; it may hold secrets."
)


class FiniteRange(click.FloatRange):
    """Numbers in a range; nan, which no comparison refuses, is none."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As click's own, but for nan."""
        number = super().convert(value, param, ctx)
        return self.fail(f"{value} is not a number.", param, ctx) if math.isnan(number) else number


def set_up_logging(debug: bool) -> None:
    """Show the whole of each error, or keep libraries from showing what foreign servers answer."""
    if debug:
        logging.basicConfig(format="%(message)s", stream=sys.stderr)
        logging.getLogger("mcp_codegen.orchestrator").setLevel(logging.DEBUG)
    else:
        logging.getLogger("mcp").setLevel(logging.CRITICAL)  # it would show what a foreign server answers
        logging.getLogger("client").setLevel(logging.CRITICAL)


def check_server(server: str) -> None:
    """Refuse what is no server. Raises UserError."""
    if server not in (connecting.STDIO, connecting.IN_PROCESS) and not connecting.is_url(server):
        raise UserError(
            f"--server {shown(server)} is no server",
            hint="give stdio, in-process, or a URL such as http://127.0.0.1:8000/mcp",
        )


def mock_catalog(mock: str | None, server: str, process: Path) -> Path | None:
    """The catalog that the stand-in serves; None without --mock."""
    if mock is None:
        return None
    if connecting.is_url(server):
        raise UserError(
            "--mock cannot stand behind a server that runs already",
            hint="use --server stdio or in-process, or start that server with the settings of `mcp-codegen mock`",
        )
    if mock == BESIDE_PROCESS:
        beside = [process.parent / name for name in CATALOG_NAMES]
        found = next((path for path in beside if path.is_file()), None)
        if found is None:
            raise UserError(f"there is no {CATALOG_NAMES[0]} beside {process}", hint="name it: --mock CATALOG")
        return found
    if not Path(mock).is_file():
        raise UserError(f"--mock: there is no catalog {shown(mock)}", hint="name an api_catalog file after --mock")
    return Path(mock)


@contextmanager
def refusing() -> Iterator[None]:
    """Say what the user must mend, and exit."""
    try:
        yield
    except OrchestratorError as error:
        say(f"mcp-orchestrator: {error}", sys.stderr)
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(runner.EXIT_SIGNAL + signal.SIGINT)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print it as the stream can show it. Where that is full, the program ends with exit code 1, and says so."""
    stream = stream or sys.stdout
    try:
        click.echo(summary.fitting(text, getattr(stream, "encoding", None) or "ascii"), file=stream)
    except BrokenPipeError:  # whoever read it has seen enough
        raise
    except OSError as error:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - what is left in the old one has no place
        with suppress(OSError):
            click.echo(f"mcp-orchestrator: nothing more could be printed: {error.strerror}", file=sys.stderr)
        sys.exit(EXIT_UNSAID)
