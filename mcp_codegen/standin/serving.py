"""Serving the stand-in on loopback, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from types import FrameType

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.standin.app import TRANSPORT, StandIn
from mcp_codegen.standin.behaviour import Behaviour
from mcp_codegen.standin.places import environment, out_of_reach

HOST = "127.0.0.1"
GRACE_SECONDS = 2
KEEP_ALIVE_SECONDS = 75
BACKLOG = 1024

Announce = Callable[[str, Mapping[str, str]], None]


def serve(
    catalog: CheckedCatalog,
    behaviour: Behaviour,
    environ: Mapping[str, str],
    *,
    port: int,
    announce: Announce,
    until_stdin_closes: bool = False,
) -> None:
    """Serve a catalog's APIs on loopback until SIGINT or SIGTERM. Port 0 takes a free one.

    Calls `announce` with the URL and the settings that lead a server there, once it listens. With
    `until_stdin_closes`, as a child of another program, it also stops when that program ends, and logs no requests.
    Raises `SettingsError` when it cannot listen.
    """
    app = StandIn(catalog, behaviour, environ, log=None if until_stdin_closes else _log)
    with closing(_listening(port)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                lifespan="off",
                http=Protocol,
                ws="none",
                log_config=None,
                log_level="error",
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

        def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
            server.should_exit = True

        logging.getLogger("uvicorn.error").addFilter(_is_news)
        with _stopping_cleanly(stop):
            if until_stdin_closes:
                threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
            _warn(catalog)
            url = f"http://{HOST}:{listener.getsockname()[1]}"
            announce(url, environment(catalog, url, environ))
            server.run(sockets=[listener])


class Protocol(H11Protocol):
    """HTTP/1.1 that tells the application the connection: some faults break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller is there."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


def _listening(port: int) -> socket.socket:
    """A socket at which callers are heard from now on. Raises `SettingsError`."""
    # The protocol is named: asyncio sends without Nagle's delay, 40 ms an answer, only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # else two programs could listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        said = f"cannot listen on {HOST}:{port}: {error.strerror or error}"
        raise SettingsError(f"{said}; choose another with --port, or 0 for a free one") from error
    return listener


@contextmanager
def _stopping_cleanly(stop: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Take a signal for the wish to stop: uvicorn, having stopped, raises it again for whoever was there before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line is worth a person's time: that stopping cancels the answers on their way is what was asked for."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _wait_for_end(stop: Callable[[], None]) -> None:
    """Read standard input to its end; not through `sys.stdin`, whose lock would outlive the interpreter."""
    try:
        while os.read(0, 65536):
            pass
    except OSError:
        pass  # it was never open
    stop()


def _warn(catalog: CheckedCatalog) -> None:
    if names := list(out_of_reach(catalog)):
        apis = ", ".join(shown(name) for name in names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
        said = "their base URLs are written out in the catalog; write ${VARIABLE} there to call the stand-in instead"
        sys.stderr.write(f"note: a generated server calls the real APIs for {apis}: {said}\n")
        sys.stderr.flush()


def _log(line: str) -> None:
    sys.stderr.write("".join(c if c.isascii() and c.isprintable() else "?" for c in line) + "\n")
