"""The verb `serve`: words in, a service that answers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from mcp_codegen.orchestrator import cli_alerts, cli_batch, cli_deliver, cli_keys, command_line, loading
from mcp_codegen.orchestrator.errors import UserError

VARIABLE = "ORCHESTRATOR_"
CLIENT_SECRET = f"{VARIABLE}OIDC_CLIENT_SECRET"
"""In the environment alone: other users of the machine see the words of a command."""


@click.command()
@click.argument("processes", metavar="PROCESS…", nargs=-1, required=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="0 takes any free one.")
@click.option("--allowed-host", "hosts", multiple=True, metavar="NAME", help="A name by which callers may call it.")
@click.option(
    "--proxy", "proxies", multiple=True, metavar="ADDRESS", help="A proxy whose word on callers' addresses holds."
)
@click.option("--no-work", is_flag=True, help="Take runs in only; workers run elsewhere, on the same database.")
@cli_batch.concurrency_option
@cli_batch.rate_limit_option
@cli_batch.start_rate_option
@command_line.server_option
@command_line.mock_option
@cli_batch.database_option
@click.option(
    "--spool",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=Path("orchestrator-spool"),
    show_default=True,
    help="Where uploaded batches wait to be read, and rejected rows are kept.",
)
@click.option(
    "--oidc-issuer", metavar="URL", default="", envvar=f"{VARIABLE}OIDC_ISSUER", help="Whose tokens are accepted."
)
@click.option(
    "--oidc-audience",
    metavar="NAME",
    default="",
    envvar=f"{VARIABLE}OIDC_AUDIENCE",
    help="Whom tokens must be meant for; several with commas.",
)
@click.option(
    "--oidc-jwks-url",
    metavar="URL",
    default="",
    envvar=f"{VARIABLE}OIDC_JWKS_URL",
    help="Its keys; by default where its metadata says.",
)
@click.option(
    "--oidc-roles",
    metavar="NAME=ROLE,…",
    default="",
    envvar=f"{VARIABLE}OIDC_ROLES",
    help="Other names of viewer, operator and admin in tokens.",
)
@click.option(
    "--oidc-client-id",
    metavar="ID",
    default="",
    envvar=f"{VARIABLE}OIDC_CLIENT_ID",
    help=f"People sign in to pages at the issuer, as users of this client; its secret is {CLIENT_SECRET}.",
)
@click.option(
    "--audit-log",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Who did what as lines of JSON too; - is standard error.",
)
@click.option(
    "--alerts",
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar=cli_alerts.VARIABLE,
    help=f"Rules of alerts that it looks at; see `mcp-orchestrator alerts`. Also {cli_alerts.VARIABLE}.",
)
@click.option(
    "--rate", type=click.FloatRange(1), default=100, show_default=True, help="Requests in a second of one caller."
)
@click.option(
    "--max-upload",
    metavar="MB",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="The largest file of a batch.",
)
@cli_deliver.allow_option
@cli_deliver.backoff_option
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.IntRange(0, 3600),
    default=20,
    show_default=True,
    help="What requests and runs in flight have to end in.",
)
@command_line.log_format_option
@command_line.debug_option
def serve(  # noqa: PLR0917 - click passes them by name
    processes: tuple[str, ...],
    host: str,
    port: int,
    hosts: tuple[str, ...],
    proxies: tuple[str, ...],
    no_work: bool,
    concurrency: int,
    rate_limit: tuple[str, ...],
    start_rate: str | None,
    server: str,
    mock: str | None,
    database: str,
    spool: Path,
    oidc_issuer: str,
    oidc_audience: str,
    oidc_jwks_url: str,
    oidc_roles: str,
    oidc_client_id: str,
    audit_log: Path | None,
    alerts: Path | None,
    rate: float,
    max_upload: int,
    webhooks_allow: tuple[str, ...],
    webhooks_backoff: str | None,
    grace: int,
    debug: bool,
) -> None:
    """Serve runs and batches of PROCESS… over HTTP, and run them.

    The API is described at /openapi.json and, for people, at /docs. Whoever calls shows a key (`mcp-orchestrator keys`)
    or a token of the issuer; before there is either, everybody on this machine may do everything, and other machines
    are not let in.

    \b
    Exit codes: 0 stopped by SIGTERM or Ctrl-C, 2 not started because of what was typed.

    \b
    Over a stand-in of the APIs:
      mcp-orchestrator serve catalog/telefonica/customer_billing.py --mock
    For others, behind a proxy that speaks TLS:
      mcp-orchestrator keys create night-batch --role operator
      mcp-orchestrator serve billing.py --host 0.0.0.0 --allowed-host runs.example.com
    """
    command_line.set_up_logging(debug)
    with command_line.refusing():
        cli_keys.check_installed()
        from mcp_codegen.orchestrator.durable import limiting  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.service import program, serving, tokens  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.service.limits import Limits  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.service.working import Delivery, Work  # noqa: PLC0415 - the same
        from mcp_codegen.orchestrator.webhooks import destinations  # noqa: PLC0415 - the same

        command_line.check_server(server)
        options = [f"--concurrency={concurrency}", f"--grace={grace}", *(f"--rate-limit={each}" for each in rate_limit)]
        options += [f"--start-rate={start_rate}"] if start_rate else []
        options += ["--debug"] if debug else []
        loaded = {}
        works = []
        for spec in processes:
            process, path = loading.load(spec)
            catalog = command_line.mock_catalog(mock, server, path)
            if process.name in loaded:
                raise UserError(f"two processes are called {process.name}", hint="give each a name of its own")
            loaded[process.name] = (process, catalog is not None)
            limiting.by_gateway(rate_limit, process.client)  # what is wrong with them is said now
            works.append(Work(process=spec, server=server, mock=catalog, options=tuple(options)))
        asked = program.Program(
            processes=loaded,
            works=[] if no_work else works,
            delivery=None if no_work else Delivery(words=cli_deliver.deliver_words(webhooks_allow, webhooks_backoff)),
            webhooks_allow=destinations.allowed(webhooks_allow),
            database=database,
            spool=spool,
            audit_log=audit_log,
            alerts=alerts,
            listening=serving.Listening(host=host, port=port, grace=grace, proxies=serving.trusted(proxies)),
            hosts=hosts,
            trust=tokens.trust(
                oidc_issuer,
                oidc_audience,
                oidc_jwks_url,
                oidc_roles,
                client_id=oidc_client_id,
                client_secret=os.environ.pop(CLIENT_SECRET, ""),  # what is started from here on does not get it
            ),
            limits=Limits(rate=rate, burst=int(2 * rate), upload=max_upload * 1_000_000),
        )
        asyncio.run(program.run(asked))
