"""Stateless Streamable HTTP: the application, and the processes that serve it."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from .http_limits import MAX_BODY_BYTES, PromptProtocol, RequestLimits, Unambiguous
from .tooling import ApiServer

if TYPE_CHECKING:
    from .authentication import Authentication
    from .serving import Create
    from .verification import CallerVerifier

PATH = "/mcp"
MAX_CONNECTIONS = 1000
"""Of each worker; what comes beyond is answered 503."""

_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How to serve over HTTP.

    grace: seconds that calls have to end in when the server is stopped. idle: seconds after which a connection without
    a request is closed. body: seconds that a request may take to arrive.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()
    workers: int = 1
    grace: int = 20
    authentication: Authentication | None = None
    idle: int = 15
    body: float = 30.0

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}{PATH}"


def run_http(create: Create, environ: Mapping[str, str], options: HttpOptions, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; calls in flight end first, within the grace.

    create: makes the server in each process; what it is goes to other processes by its name. A worker that dies is
    replaced; when the process that watches over them dies, they stop.
    """
    config = make_config(partial(make_application, create, dict(environ), options), options)
    if options.workers > 1:
        workers = _Workers(config, [listening])
        workers.run()
        if any(worker.exitcode == STARTUP_FAILURE for worker in workers.processes):
            raise SystemExit(STARTUP_FAILURE)
    else:
        uvicorn.Server(config).run([listening])


def make_config(factory: Callable[[], ASGIApp], options: HttpOptions) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        factory,
        factory=True,
        workers=options.workers,
        http=PromptProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=options.idle,
        timeout_graceful_shutdown=options.grace,
    )


class _Workers(Multiprocess):
    """uvicorn's, and a worker is replaced when it has ended, not when it is slow, as it is while it starts.

    uvicorn asks each in turn for a sign of life, and hears no signal while it waits for one.
    """

    def keep_subprocess_alive(self) -> None:
        """Replace who has died; give up when one cannot even start."""
        for place, worker in enumerate(self.processes):
            if self.should_exit.is_set() or worker.process.is_alive():
                continue
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
                return
            print(f"A worker has ended (exit code {worker.exitcode}) and is replaced.", file=sys.stderr, flush=True)
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()

    def terminate_all(self) -> None:
        """While calls end, who comes new is refused, and not left waiting for nobody."""
        super().terminate_all()
        for listening in self.sockets:
            listening.close()


def make_application(create: Create, environ: Mapping[str, str], options: HttpOptions) -> Starlette:
    """The application of one process."""
    logging.getLogger("mcp.server.transport_security").addFilter(_escaped)
    return application(create(environ), options)


def application(server: ApiServer, options: HttpOptions) -> Starlette:
    """MCP at `/mcp`, `/healthz`, and for an OAuth resource server its metadata (RFC 9728)."""
    server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=MAX_BODY_BYTES,
        transport_security=security(options.host, options.allowed_hosts),
    )  # only for its session manager: authentication and limits are put together here
    manager = server.session_manager
    mcp: ASGIApp = RequestLimits(manager.handle_request, seconds=options.body)
    routes, middleware, verifier = [Route("/healthz", _healthy)], [], None
    if options.authentication is not None:
        verifier = _verifier(options.authentication)
        backend = BearerAuthBackend(verifier)
        middleware = [Middleware(AuthenticationMiddleware, backend=backend, on_error=_unavailable)]
        mcp = _told(_guarded(mcp, options.authentication), server)
        routes += _metadata(options.authentication, server)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        _stop_with_parent()
        async with manager.run():
            yield
        if verifier is not None:
            await verifier.aclose()

    routes += [Route(PATH, mcp), Route(f"{PATH}/", mcp)]
    served = Starlette(routes=routes, middleware=[Middleware(Unambiguous), *middleware], lifespan=lifespan)
    served.router.redirect_slashes = False  # it would lead to whatever host a request names
    return served


def security(host: str, allowed: tuple[str, ...]) -> TransportSecuritySettings:
    """Against DNS rebinding: the Host and Origin headers to accept, with any port; loopback's unless others are named.

    Not left to the SDK, which checks nothing on a loopback address that it does not know, such as 127.0.0.2.
    """
    loopback = {"127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host}
    names = [name.lower() for name in allowed or sorted(loopback)]  # as clients send them
    hosts = [form for name in names for form in (name, f"{name}:*")]
    origins = [] if allowed else [f"http://{name}" for name in hosts]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def _verifier(authentication: Authentication) -> CallerVerifier:
    from .transport import open_http  # noqa: PLC0415 - only where callers are authenticated
    from .verification import CallerVerifier  # noqa: PLC0415 - the same

    return CallerVerifier(authentication, open_http())


def _guarded(app: ASGIApp, authentication: Authentication) -> RequireAuthMiddleware:
    url = (
        build_resource_metadata_url(_URL.validate_python(authentication.resource_url))
        if authentication.issuers
        else None
    )
    return RequireAuthMiddleware(app, ["read"], url)  # the least that a caller has


def _told(app: ASGIApp, server: ApiServer) -> ASGIApp:
    """The application behind its door, where there is an audit log with who is not let in written down."""
    from .audit import AuditLog, Door  # noqa: PLC0415 - only where callers are authenticated

    logs = [one for one in server.middleware if isinstance(one, AuditLog)]
    return Door(app, logs[0]) if logs else app


def _metadata(authentication: Authentication, server: ApiServer) -> list[Route]:
    if not authentication.issuers:
        return []
    return create_protected_resource_routes(
        resource_url=_URL.validate_python(authentication.resource_url),
        authorization_servers=[_URL.validate_python(url) for url in authentication.issuers],
        scopes_supported=authentication.published,
        resource_name=server.title or server.name,
    )


async def _healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def _unavailable(_: HTTPConnection, __: Exception) -> Response:
    message = "Tokens cannot be verified now: their issuer cannot be reached."
    error = {"error": {"message": message, "hint": "Try again in a minute."}}
    return JSONResponse(error, status_code=503, headers={"Retry-After": "60"})


def _escaped(record: logging.LogRecord) -> bool:
    """The SDK quotes headers as they came."""
    text = record.getMessage()[:300]
    record.msg, record.args = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text), ()
    return True


def _stop_with_parent() -> None:
    """A worker does not outlive the process that watches over it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        with suppress(NotImplementedError):  # Windows has no event loop that watches it
            loop = asyncio.get_running_loop()
            loop.add_reader(parent.sentinel, _stop, loop, parent.sentinel)


def _stop(loop: asyncio.AbstractEventLoop, sentinel: Any) -> None:  # noqa: ANN401 - as multiprocessing has it
    loop.remove_reader(sentinel)
    signal.raise_signal(signal.SIGTERM)
