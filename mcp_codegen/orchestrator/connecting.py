"""Ways to a server: its URL, a child process, this process; and the stand-in that replaces the real APIs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import IO

from mcp_codegen.orchestrator.errors import StandInError, printable
from mcp_codegen.orchestrator.process import ClientT

START_SECONDS = 20.0
STOP_SECONDS = 5.0

IN_PROCESS = "in-process"
STDIO = "stdio"
TOKEN = "MCP_TOKEN"  # noqa: S105 - the name of a setting
"""What servers at a URL are shown: a key, or an access token. Arguments of programs are seen by everybody."""


def is_url(server: str) -> bool:
    """Whether the server is one that runs already."""
    return server.startswith(("http://", "https://"))


def connected(
    client: type[ClientT], server: str, environ: Mapping[str, str] | None
) -> AbstractAsyncContextManager[ClientT]:
    """A client of the server: a URL, `stdio` or `in-process`. `environ` holds the settings of the latter two.

    A server at a URL is shown the token of the environment, if there is one.
    """
    if server == STDIO:
        return client.launch(environ)
    if server == IN_PROCESS:
        return client.in_process(environ)
    token = os.environ.get(TOKEN, "").strip()
    return client.connect(server, token=token) if token else client.connect(server)


@asynccontextmanager
async def stand_in(catalog: Path, *, start_seconds: float = START_SECONDS) -> AsyncIterator[Mapping[str, str]]:
    """Serve the catalog's APIs on loopback, and give the settings that lead a server there. Raises StandInError.

    It ends with this process, however that ends: it serves until its standard input closes.
    """
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(catalog), "--port", "0", "--json"]
    with tempfile.TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        try:
            yield await _settings(process, said, start_seconds)
        finally:
            await _stop(process)


async def _settings(process: asyncio.subprocess.Process, said: IO[bytes], seconds: float) -> dict[str, str]:
    assert process.stdout is not None  # noqa: S101 - asked for above
    try:
        line = await asyncio.wait_for(process.stdout.readline(), seconds)
    except TimeoutError as error:
        raise _failed(f"did not start within {seconds:g} seconds", said) from error
    except ValueError as error:
        raise _failed("said something unexpected", said) from error
    if not line:
        code = await process.wait()
        raise _failed(f"ended with exit code {code} before it listened", said)
    try:
        settings = json.loads(line)["environment"]
        return {str(name): str(value) for name, value in settings.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _failed("said something unexpected", said) from error


def _failed(what: str, said: IO[bytes]) -> StandInError:
    said.seek(0)
    text = said.read(100_000).decode(errors="replace").strip()
    last = [printable(line) for line in text.splitlines()[-10:]]
    return StandInError(
        "\n  ".join([f"the stand-in of the APIs {what}", *last]),
        code="stand_in_failed",
        hint="check the catalog with `mcp-codegen validate`, or leave --mock out to call the real APIs",
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None  # noqa: S101 - asked for above
    process.stdin.close()
    for insist in (process.terminate, process.kill):
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            insist()
    await process.wait()
