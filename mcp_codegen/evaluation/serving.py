"""The catalog's server, as hosts start it, for as long as it is asked."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_codegen import building
from mcp_codegen.pipeline import Loaded

if TYPE_CHECKING:
    from mcp import Client


@asynccontextmanager
async def served(loaded: Loaded, options: Sequence[str]) -> AsyncIterator[Client]:
    """A client of the catalog's server, generated anew and started with these options.

    It has no settings, so that no call of a tool could reach an API.
    """
    from mcp import Client, StdioServerParameters  # noqa: PLC0415 - half a second that `--help` does without
    from mcp.client.stdio import stdio_client  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        (built,) = building.build([loaded], Path(folder), None, lambda _: None, force=False)
        module = f"{built.folder.name}_mcp".replace("-", "_")
        needed = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMPDIR")
        environ = {name: os.environ[name] for name in needed if name in os.environ}
        path = os.pathsep.join([str(built.folder), *filter(None, sys.path)])
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", module, *options],
            env=environ | {"PYTHONPATH": path},
            cwd=folder,
        )
        async with Client(stdio_client(server)) as client:
            yield client
