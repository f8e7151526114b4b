"""`mcp-orchestrator serve`, from what was asked for to a service that answers."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from socket import socket as Socket  # noqa: N812 - a type here

import httpx
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.alerting import notifying, rules, watching
from mcp_codegen.orchestrator.durable import collecting, database, ledger, processors, queues, transact
from mcp_codegen.orchestrator.errors import OrchestratorError, UserError, shown
from mcp_codegen.orchestrator.loading import AnyProcess
from mcp_codegen.orchestrator.service import app, authenticating, keys, serving, tables
from mcp_codegen.orchestrator.service.access import Access
from mcp_codegen.orchestrator.service.audit import Audit
from mcp_codegen.orchestrator.service.dashboard import sessions
from mcp_codegen.orchestrator.service.feed import Feed
from mcp_codegen.orchestrator.service.intake import Intake
from mcp_codegen.orchestrator.service.issuers import Issuer
from mcp_codegen.orchestrator.service.limits import Limits, Throttle
from mcp_codegen.orchestrator.service.served import Served
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.serving import Listening
from mcp_codegen.orchestrator.service.signing_in import SignIn
from mcp_codegen.orchestrator.service.tokens import Tokens, Trust
from mcp_codegen.orchestrator.service.working import Delivery, Work, working
from mcp_codegen.orchestrator.telemetry import exporting, exposition
from mcp_codegen.orchestrator.telemetry.figures import Figures
from mcp_codegen.orchestrator.webhooks.destinations import Allowed

ISSUER_SECONDS = 10.0
THREADS = 16
"""That callers' statements wait in; by default Python makes as many as the processors that it sees: `processors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What was asked for."""

    processes: Mapping[str, tuple[AnyProcess, bool]]
    """By name; and whether its runs are against a stand-in."""
    works: Sequence[Work]
    """What workers are started for; none where runs are only taken in."""
    database: str
    spool: Path
    audit_log: Path | None
    alerts: Path | None
    """The rules of alerts, if there are any."""
    listening: Listening
    hosts: tuple[str, ...]
    """Names by which the service may be called, beside those of this machine."""
    trust: Trust | None
    limits: Limits
    delivery: Delivery | None = None
    """That webhooks are delivered; None where others do."""
    webhooks_allow: Allowed = field(default_factory=Allowed)


async def run(program: Program) -> None:
    """Serve until SIGTERM or SIGINT. Raises OrchestratorError before anything is answered."""
    kept = database.connect(program.database)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "service"))
    tables.prepare(kept)
    _check_door(program, kept)
    with (
        serving.bind(program.listening.host, program.listening.port) as socket,
        tempfile.TemporaryDirectory(prefix="orchestrator-", ignore_cleanup_errors=True) as folder,
        exporting.exported("mcp-orchestrator", scraped=True) as registry,
    ):
        async with _opened(program, kept, registry, Path(folder)) as service:
            with _alerting(program, kept):
                await _answer(program, service, socket, Path(folder))


async def _answer(program: Program, service: Service, socket: Socket, metrics: Path) -> None:
    """Work and answer until a signal ends it."""
    kept, listening = service.database, program.listening
    names = [*serving.LOOPBACK_NAMES, listening.host, *program.hosts]
    application = app.create(service, hosts=names if serving.is_loopback(listening.host) or program.hosts else ())
    delivery = program.delivery
    work = working(program.works, program.database, listening.grace, metrics=metrics, delivery=delivery, kept=kept)
    async with processors.one(), work:
        service.intake.go_on()
        with collecting.seldom():
            socket.listen()
            _say(program, kept, serving.url(socket))
            await serving.serve(application, socket, listening, stopping=service.feed.close)


@asynccontextmanager
async def _opened(
    program: Program, kept: sa.Engine, registry: CollectorRegistry | None, metrics: Path
) -> AsyncIterator[Service]:
    """The service over a database whose tables are there. Raises OrchestratorError."""
    async with AsyncExitStack() as stack:
        served = {name: _served(stack, kept, process, mock) for name, (process, mock) in program.processes.items()}
        history = stack.enter_context(transact.history(kept))
        if history is None:
            raise OrchestratorError("the database has no tables of the engine", code="database")
        Figures(kept, history).observe()
        tokens, sign_in = await _trusting(stack, program.trust)
        intake = Intake(kept, program.spool, served)
        stack.callback(intake.close)
        yield Service(
            database=kept,
            history=history,
            processes=served,
            intake=intake,
            feed=Feed(kept),
            access=_access(program, kept, tokens),
            sign_in=sign_in,
            audit=Audit(kept, program.audit_log),
            limits=program.limits,
            throttle=Throttle(program.limits),
            metrics=partial(exposition.text, registry, metrics) if registry is not None else None,
            webhooks_allow=program.webhooks_allow,
        )


@contextmanager
def _alerting(program: Program, kept: sa.Engine) -> Iterator[None]:
    """Look at the rules of alerts, where there are any. Raises UserError."""
    if program.alerts is None:
        yield
        return
    read = rules.read(program.alerts)
    watch = watching.Watch(kept, read, notifying.sender(read, os.environ), [notifying.webhooks(kept)])
    with watching.kept(watch):
        yield


def _served(stack: AsyncExitStack, kept: sa.Engine, process: AnyProcess, mock: bool) -> Served:
    queue = queues.name(process.name, mock=mock)
    models: tuple[type[BaseModel], ...] = (process.input, process.output)
    ledger.mark_personal(kept, process.name, frozenset().union(*map(masking.names, models)))
    submitter = stack.enter_context(transact.submitting(kept, process.name, queue))
    return Served(
        process=process,
        queue=queue,
        submitter=submitter,
        mock=mock,
        input_schema=process.input.model_json_schema(by_alias=True),
        output_schema=process.output.model_json_schema(by_alias=True, mode="serialization"),
    )


async def _trusting(stack: AsyncExitStack, trust: Trust | None) -> tuple[Tokens | None, SignIn | None]:
    """What reads an issuer's tokens, and the way to its page; none where there is no issuer or no client of it."""
    if trust is None:
        return None, None
    http = httpx.AsyncClient(timeout=ISSUER_SECONDS, follow_redirects=False, limits=httpx.Limits(max_connections=4))
    await stack.enter_async_context(http)
    issuer = Issuer(http, trust.issuer, trust.jwks_url)
    tokens = Tokens(trust, issuer)
    return tokens, SignIn(trust, issuer, tokens) if trust.client_id else None


def _access(program: Program, kept: sa.Engine, tokens: Tokens | None) -> Access:
    issuer = program.trust.issuer if program.trust is not None and program.trust.client_id else ""
    is_open = program.trust is None and program.listening.alone
    return Access(
        [authenticating.by_key(kept), authenticating.by_token(tokens), sessions.by_session(kept, issuer)],
        authenticating.open_until_closed(kept) if is_open else None,
    )


def _check_door(program: Program, kept: sa.Engine) -> None:
    """Where others may come in, nobody does without a key or a token. Raises UserError."""
    listening = program.listening
    if listening.alone or program.trust is not None or keys.any_made(kept):
        return
    option = "--proxy" if serving.is_loopback(listening.host) else f"--host {shown(listening.host)}"
    raise UserError(
        f"{option} lets other machines in, and there is neither a key nor an issuer of tokens",
        hint="make a key first: `mcp-orchestrator keys create NAME --role admin`, or give --oidc-issuer; "
        "TLS is for a proxy in front",
    )


def _say(program: Program, kept: sa.Engine, url: str) -> None:
    closed = program.trust is not None or keys.any_made(kept)
    door = "" if closed else "; no key was made yet: everybody on this machine may do everything"
    many = len(program.works)
    work = f"{many} worker{'s' if many > 1 else ''}" if many else "no workers of its own"
    print(f"mcp-orchestrator: {url} (dashboard; API at {url}/docs), {work}{door}", file=sys.stderr, flush=True)
