"""A stand-in whose every API fails in its own way, in a process of its own, and the doors to a server of them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.generated import Built
from tests.runtime.doors import eventually, http_server, surroundings, until

HAS_PROC = Path("/proc/self/status").exists()
AS_USERS_DO = ("-m",)
COUNTING = """
import asyncio, pathlib, runpy, signal, sys
def count(*_):
    part = pathlib.Path("tasks.part")
    part.write_text(str(len(asyncio.all_tasks())))
    part.rename("tasks")
signal.signal(signal.SIGUSR1, count)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Starts a server that tells, on a signal, how many tasks it has."""
COUNTED = ("-c", COUNTING)


@dataclass(frozen=True)
class StandIn:
    """settings: what leads a server to it. log: a line for each request that it has answered."""

    settings: dict[str, str]
    log: Callable[[], str]


@contextmanager
def stand_in(package: Built, folder: Path, *options: str, environ: Mapping[str, str]) -> Iterator[StandIn]:
    """`mcp-codegen mock` of the catalog that the package was built of."""
    catalog = package.folder.with_suffix(".json")
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(catalog), "--port", "0", *options]
    said, announced = folder / "mock-stderr", folder / "mock-stdout"
    with said.open("wb") as stderr, announced.open("wb") as stdout:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=surroundings(environ), cwd=folder
        )
    try:
        until(lambda: "export DRILL_URL=" in announced.read_text() or process.poll() is not None)
        assert process.poll() is None, said.read_text()
        url = announced.read_text().partition("export DRILL_URL=")[2].split()[0]
        yield StandIn({"DRILL_URL": url, **environ}, said.read_text)
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Drilled:
    """A running server: its client, all that it has written for people so far, and its process, if it has its own."""

    client: Any
    said: Callable[[], str]
    folder: Path
    pid: int = 0

    @property
    def status(self) -> dict[str, str]:
        """What Linux tells of the process."""
        lines = Path(f"/proc/{self.pid or 'self'}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def peak(self) -> int:
        """Bytes of memory at most so far."""
        return int(self.status["VmHWM"].split()[0]) * 1024

    @property
    def memory(self) -> int:
        """Bytes of memory now."""
        return int(self.status["VmRSS"].split()[0]) * 1024

    @property
    def files(self) -> int:
        """Open files and connections."""
        return len(os.listdir(f"/proc/{self.pid or 'self'}/fd"))

    async def tasks(self) -> int:
        """Tasks of asyncio; a process of its own was started as `COUNTED`."""
        if not self.pid:
            return len(asyncio.all_tasks())
        told = self.folder / "tasks"
        told.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        await eventually(told.exists)
        return int(told.read_text())


@asynccontextmanager
async def in_process(
    package: Built, environ: Mapping[str, str], folder: Path, _: Sequence[str] = AS_USERS_DO
) -> AsyncIterator[Drilled]:
    log, audited = io.StringIO(), folder / "audit"
    handler = logging.StreamHandler(log)
    loggers = [logging.getLogger(name) for name in (package.module, "mcp.server")]
    for logger in loggers:
        logger.addHandler(handler)
    serving = package.load("runtime.serving")
    server = serving.offered(package.load("server").create_server, serving.Offer(audit_log=str(audited)), environ)
    try:
        async with client_class(package).connect(server) as client:
            yield Drilled(client, lambda: log.getvalue() + audited.read_text(), folder)
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


@asynccontextmanager
async def stdio(
    package: Built, environ: Mapping[str, str], folder: Path, start: Sequence[str] = AS_USERS_DO
) -> AsyncIterator[Drilled]:
    audited, said = folder / "audit", folder / "stderr"
    words = [sys.executable, *start, package.module, "--audit-log", str(audited)]
    script = 'echo $$ > pid; exec "$0" "$@"'
    env = surroundings(environ | {"PYTHONPATH": str(package.folder)})
    with said.open("w") as stderr:
        command = StdioServerParameters(command="/bin/sh", args=["-c", script, *words], env=env, cwd=folder)
        async with client_class(package).connect(stdio_client(command, errlog=stderr)) as client:
            pid = int((folder / "pid").read_text())
            yield Drilled(client, lambda: said.read_text() + audited.read_text(), folder, pid)


@asynccontextmanager
async def http(
    package: Built, environ: Mapping[str, str], folder: Path, start: Sequence[str] = AS_USERS_DO
) -> AsyncIterator[Drilled]:
    audited, serve = folder / "audit", (sys.executable, *start, package.module)
    environ = environ | {"PYTHONPATH": str(package.folder)}
    with http_server(environ, folder, "--audit-log", str(audited), serve=serve) as server:
        async with client_class(package).connect(server.url) as client:
            yield Drilled(client, lambda: server.said() + audited.read_text(), folder, server.process.pid)


DOORS = {"in_process": in_process, "stdio": stdio, "http": http}


def client_class(package: Built) -> Any:
    return getattr(package.load("client"), f"{package.folder.name.title()}Client")


def written(error: Any) -> str:
    """Everything that an error tells."""
    return f"{error} {error!r} {error.detail} {error.data} {json.dumps(error.to_dict())}"
