"""The ways to the generated server that users have, each opened once and kept open for many tests."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.server import create_server

# Signs that writers of JSON, URLs and HTML each escape in their own way.
KEY = "k3y/with+signs=and&more'0123456789"
TOKEN = "t0ken-with~signs/and+more=="
PATIENCE = 60.0
"""Seconds after which a test gives up on something that takes milliseconds."""

SERVE = (sys.executable, "-m", "telefonica_mcp")
SETTINGS = (
    *("API_BASE_URL", "BEARER_TOKEN", "DIRECT_TIMEOUT", "DIRECT_ATTEMPTS", "DIRECT_BREAKER"),
    *("APIM_BASE_URL", "APIM_SUBSCRIPTION_KEY", "APIM_TIMEOUT", "APIM_ATTEMPTS", "APIM_BREAKER"),
)
INVOICES = {"customerId": 45829374, "msisidn": "56987654321"}
DEBT = {"customerIdentification": "198765432", "type": "RUT", "document": "4582"}
LINK = {"billingInvoiceNumber": "523_47_682957384", "isCyclicInvoice": True}

T = TypeVar("T")


def settings(url: str, **changed: str) -> dict[str, str]:
    known = {
        "API_BASE_URL": url,
        "BEARER_TOKEN": TOKEN,
        "DIRECT_TIMEOUT": "20",
        "DIRECT_ATTEMPTS": "1",
        "DIRECT_BREAKER": "off",
        "APIM_BASE_URL": url,
        "APIM_SUBSCRIPTION_KEY": KEY,
        "APIM_TIMEOUT": "20",
        "APIM_ATTEMPTS": "1",
        "APIM_BREAKER": "off",
    }
    return known | changed


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """What a child process needs, and nothing of this one's settings."""
    needed = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMPDIR")
    return {name: os.environ[name] for name in needed if name in os.environ} | dict(environ)


@dataclass
class Door:
    """A running server, and two clients of it: the generated one and the official one."""

    client: TelefonicaClient
    plain: Client
    said: Callable[[], str]
    """What the server has written for people: its stderr, or its log."""
    url: str = ""
    """Where it listens, if it does."""


def until(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Poll for a condition; its value once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "It did not come to pass in time."
        time.sleep(0.005)
    return value


async def eventually(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """`until` for a test that shares its event loop."""
    return await asyncio.to_thread(until, condition, seconds)


@asynccontextmanager
async def held(manager: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave it in a task of its own: fixtures are set up and torn down in orders of pytest's choosing."""
    entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    leaving = asyncio.Event()

    async def hold() -> None:
        async with manager as value:
            entered.set_result(value)
            await leaving.wait()

    task = asyncio.create_task(hold())
    try:
        await asyncio.wait({task, entered}, return_when="FIRST_COMPLETED")
        if task.done():
            task.result()
        yield entered.result()
    finally:
        leaving.set()
        await task


@asynccontextmanager
async def in_process_door(environ: Mapping[str, str], folder: Path) -> AsyncIterator[Door]:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    loggers = [logging.getLogger(name) for name in ("telefonica_mcp", "mcp.server")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        async with TelefonicaClient.in_process(environ) as client, held(Client(create_server(environ))) as plain:
            yield Door(client, plain, log.getvalue)
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


@asynccontextmanager
async def stdio_door(environ: Mapping[str, str], folder: Path) -> AsyncIterator[Door]:
    with (folder / "stderr").open("w+") as stderr:

        def launch() -> Any:
            command = StdioServerParameters(
                command=SERVE[0], args=list(SERVE[1:]), env=surroundings(environ), cwd=folder
            )
            return stdio_client(command, errlog=stderr)

        async with TelefonicaClient.connect(launch()) as client, held(Client(launch())) as plain:
            yield Door(client, plain, (folder / "stderr").read_text)


@asynccontextmanager
async def http_door(environ: Mapping[str, str], folder: Path) -> AsyncIterator[Door]:
    with http_server(environ, folder) as server:
        async with TelefonicaClient.connect(server.url) as client, held(Client(server.url)) as plain:
            yield Door(client, plain, server.said, server.url)


@dataclass
class HttpServer:
    process: subprocess.Popen[bytes]
    port: int
    said: Callable[[], str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever that is."""
    return subprocess.run(  # noqa: S603 - of this project
        command, cwd=folder, env=surroundings(environ), capture_output=True, text=True, timeout=300, check=False
    )


def start(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], *, stderr: IO[bytes], pipes: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a command; pipes: what its stdin and stdout are."""
    return subprocess.Popen(  # noqa: S603 - of this project
        command, cwd=folder, env=surroundings(environ), stdin=pipes, stdout=pipes, stderr=stderr
    )


def free_port(host: str = "127.0.0.1") -> int:
    with reserved_port(host) as port:
        return port


@contextmanager
def reserved_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that nobody else is given while a server is on its way to it; who reuses addresses may listen there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, 0))
        yield int(held.getsockname()[1])


@contextmanager
def http_server(
    environ: Mapping[str, str],
    folder: Path,
    *arguments: str,
    host: str = "127.0.0.1",
    serve: tuple[str, ...] = SERVE,
) -> Iterator[HttpServer]:
    """The server as a process of its own, listening."""
    said = folder / "http-stderr"
    with reserved_port(host) as port:
        command = [*serve, "--transport", "http", "--port", str(port), *arguments]
        with said.open("wb") as stderr:
            process = start(command, folder, environ, stderr=stderr)
        try:
            announced = f"Listening on http://{host}:{port}/mcp; stop it with Ctrl-C.\n"
            until(lambda: announced in said.read_text() or process.poll() is not None)
            assert process.poll() is None, said.read_text()
            assert said.read_text().startswith(announced)
            yield HttpServer(process, port, lambda: said.read_text().removeprefix(announced))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
