"""HTTP: from an application to answers on a port, until the program is told to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from mcp_codegen.orchestrator import runner
from mcp_codegen.orchestrator.errors import UserError, shown
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.shield import HEADERS

IDLE_SECONDS = 15
"""After which a connection without a request is closed, or one whose request's head has not come."""
UNREAD_SECONDS = 30
"""After which a client that takes nothing of what is sent to it is hung up on."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen, and how to stop."""

    host: str
    port: int
    grace: int
    """Seconds that requests in flight have to end in."""
    proxies: tuple[str, ...] = ()
    """Addresses of proxies whose word about the caller's address is taken."""

    @property
    def alone(self) -> bool:
        """Whether nobody but this machine is meant to come in."""
        return is_loopback(self.host) and not self.proxies


def is_loopback(host: str) -> bool:
    """Whether only this machine can come in there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def trusted(proxies: Sequence[str]) -> tuple[str, ...]:
    """Addresses and networks of proxies. Raises UserError: whoever is believed may call themselves anybody."""
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            hint = "give the proxy's own, such as 127.0.0.1 or 10.1.0.0/24"
            raise UserError(f"--proxy {shown(proxy)} is no address and no network", hint=hint) from error
    return tuple(proxies)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any. Raises UserError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, since asyncio sends at once only where it is: else the second part of an answer waits 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            f"{shown(host)} port {port} cannot be listened on: {reason}", hint="give another --host or --port"
        ) from error
    return listening


def url(listening: socket.socket) -> str:
    """Where it can be called."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def serve(app: FastAPI, listening: socket.socket, how: Listening, *, stopping: Callable[[], None]) -> None:
    """Answer until SIGTERM or SIGINT; `stopping` is called then, to end streams. Requests in flight end first."""
    config = uvicorn.Config(
        app,
        http=ProblemProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(how.proxies),
        forwarded_allow_ips=list(how.proxies),
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=how.grace,
    )
    server = _Server(config)
    server.stopping = stopping
    await server.serve([listening])


class _Server(uvicorn.Server):
    stopping: Callable[[], None]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but that a program which was stopped in order has ended well."""
        with runner.interruptible(
            lambda: setattr(self, "should_exit", True), lambda: setattr(self, "force_exit", True)
        ):
            yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams end first: they would be waited for."""
        self.stopping()
        await super().shutdown(sockets)


class ProblemProtocol(H11Protocol):
    """uvicorn's; what is no HTTP is answered as a problem too, and who sends no whole head in time is hung up on."""

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has come."""
        super().connection_made(transport)
        self._mind()

    def data_received(self, data: bytes) -> None:
        """A part of a request has come."""
        super().data_received(data)
        self._mind()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        super().connection_lost(exc)
        self._stop()
        self._stop_waiting()

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        super().pause_writing()
        self._stop_waiting()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken what was sent to it."""
        super().resume_writing()
        self._stop_waiting()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        answer = Refusal(400, "the request is no HTTP that this service reads").response()
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        headers += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event=event) or b"")
        self.transport.close()

    def _mind(self) -> None:
        if not self._waits():
            self._stop()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.timeout_keep_alive, self._hang_up)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_waiting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _waits(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _hang_up(self) -> None:
        self._deadline = None
        if self._waits() and not self.transport.is_closing():
            self.transport.close()
