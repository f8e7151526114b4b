"""The verb `worker`: words in, exit codes out."""

from __future__ import annotations

import os
import sys

import click
from click.core import ParameterSource

from mcp_codegen.orchestrator import cli_batch, cli_deliver, command_line, loading, runner
from mcp_codegen.orchestrator.telemetry import exporting

GRACE_SECONDS = 10.0


@click.command()
@click.argument("processes", metavar="PROCESS…", nargs=-1, required=True)
@cli_batch.database_option
@command_line.server_option
@command_line.mock_option
@cli_batch.concurrency_option
@cli_batch.rate_limit_option
@cli_batch.start_rate_option
@click.option(
    "--grace",
    metavar="SECONDS",
    type=command_line.FiniteRange(0),
    default=GRACE_SECONDS,
    show_default=True,
    help="How long runs in flight may go on when the worker is asked to stop; then they are handed back.",
)
@click.option(
    "--recovery-time",
    metavar="SECONDS",
    type=command_line.FiniteRange(3, 3600),
    default=15.0,
    show_default=True,
    help="Within this time others go on with the runs of this worker should it die. One that stands still for two "
    "thirds of it ends itself.",
)
@click.option(
    "--metrics-port",
    metavar="PORT",
    type=click.IntRange(1, 65_535),
    help="Answer Prometheus there; of several PROCESSes the second takes the next port, and so on.",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Where that port is opened.")
@click.option("--webhooks", is_flag=True, help="Deliver webhooks too, in a program beside it; see `webhooks`.")
@cli_deliver.allow_option
@cli_deliver.backoff_option
@click.option("--until-input-ends", is_flag=True, hidden=True)
@command_line.log_format_option
@command_line.debug_option
def worker(  # noqa: PLR0917 - click passes them by name
    processes: tuple[str, ...],
    database: str,
    server: str,
    mock: str | None,
    concurrency: int,
    rate_limit: tuple[str, ...],
    start_rate: str | None,
    grace: float,
    recovery_time: float,
    metrics_port: int | None,
    metrics_host: str,
    webhooks: bool,
    webhooks_allow: tuple[str, ...],
    webhooks_backoff: str | None,
    until_input_ends: bool,
    debug: bool,
) -> None:
    """Work on the runs of PROCESS that wait in the database, until asked to stop. Any number of workers share them.

    What they run is put there by `mcp-orchestrator batch --submit-only` or `--wait-for-workers`. SIGTERM and Ctrl-C
    stop a worker in order: it takes no more runs, and hands back what is not finished in time. A worker that is killed
    is replaced by the others within its --recovery-time.

    \b
    Exit codes: 0 it was asked to stop and holds nothing any more, 1 its server ended or could not be reached, 2 it was
    not started because of what was typed, 75 it stood still for too long and others have its runs: start it again.

    \b
    On each of several machines:
      mcp-orchestrator worker billing.py --database postgresql://orchestrator@db.example.com/runs
    Not more than 20 calls a second to one gateway, whatever the number of workers:
      mcp-orchestrator worker billing.py --rate-limit apim=20/s
    """
    command_line.set_up_logging(debug)
    with command_line.refusing():
        cli_batch.check_installed()
        from mcp_codegen.orchestrator.durable import limiting, worker_group, worker_verb  # noqa: PLC0415 - the extra

        command_line.check_server(server)
        loaded = [loading.load(process) for process in processes]
        rate = limiting.rate(start_rate, "--start-rate") if start_rate else None
        works = [
            worker_verb.Work(
                process=process,
                database=database,
                server=server,
                mock=command_line.mock_catalog(mock, server, path),
                concurrency=concurrency,
                rates=limiting.by_gateway(rate_limit, process.client),
                start_rate=rate,
                grace=grace,
                recovery_seconds=recovery_time,
            )
            for process, path in loaded
        ]
        others = [_deliver_words(database, webhooks_allow, webhooks_backoff)] if webhooks else []
        if len(works) + len(others) > 1:
            sys.exit(worker_group.run(processes, _words(), others, metrics_port=metrics_port))
        if until_input_ends:
            worker_group.stop_when_input_ends()
        with exporting.exported("mcp-orchestrator-worker", scraped=metrics_port is not None) as registry:
            if metrics_port is not None:
                exporting.listen(registry, metrics_host, metrics_port)
            code = runner.completed(worker_verb.execute(works[0], lambda text: command_line.say(text, sys.stderr)))
    sys.exit(code)


def _deliver_words(database: str, allow: tuple[str, ...], backoff: str | None) -> list[str]:
    """Its database by the environment, since arguments are seen by everybody."""
    os.environ[cli_batch.DATABASE_VARIABLE] = database
    return [*cli_deliver.deliver_words(allow, backoff)]


def _words() -> list[str]:
    """The options of this command as they were typed, for the workers of single processes."""
    context = click.get_current_context()
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name == "metrics_port":
            continue  # each has its own
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(parameter, click.Option) and typed and not name.startswith("webhooks"):
            value = context.params[name]
            several = value if isinstance(value, tuple) else (value,)
            words += [parameter.opts[0] if each is True else f"{parameter.opts[0]}={each}" for each in several]
    return words
