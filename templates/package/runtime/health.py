"""Whether the server in this container is well, as a program: exit code 0, else 1. Over stdio it has no port to ask."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from http.client import HTTPConnection, HTTPException
from io import StringIO
from pathlib import Path

from .command_line import make_parser

SECONDS = 3.0
_SERVER = Path("/proc/1/cmdline")
"""The words of a container's first process, each ended by NUL."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - the addresses at which one that listens so is asked


def is_well(words: Sequence[str]) -> bool:
    """Whether the server that was started with these words takes calls."""
    parser = make_parser("server", "", "")
    starts = next((place for place, word in enumerate(words) if word.startswith("--")), len(words))
    with suppress(SystemExit), redirect_stderr(StringIO()):
        args, _ = parser.parse_known_args(words[starts:])
        return args.transport == "stdio" or _answers(_EVERYWHERE.get(args.host, args.host), args.port)
    return False


def _answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200  # noqa: PLR2004 - OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_well(_SERVER.read_bytes().decode(errors="replace").split("\0")[:-1]) else 1)
