"""What the server's command line takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from .settings import WHO_MAY_CALL

MAX_PORT = 65_535
MAX_WORKERS = 64
MAX_GRACE = 3600


def make_parser(program: str, version: str, description: str) -> argparse.ArgumentParser:
    """The options of serving, and the verb `key`. What they say together is checked by `serving`."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=program, description=description, epilog=_epilog(), formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"%(prog)s {version}")
    parser.add_argument(
        "--transport", choices=["stdio", "http", "streamable-http"], default="stdio", help="default: %(default)s"
    )
    parser.add_argument("--env-file", type=Path, help="settings; default: .env in the current folder, if it exists")
    parser.add_argument("--read-only", action="store_true", help="serve only the tools that only read")
    _add_tools(parser)
    parser.add_argument(
        "--audit-log",
        metavar="FILE",
        default="",
        help="add a line of JSON for each call, without arguments; - is stderr",
    )
    _add_http(parser)
    _add_key(parser)
    return parser


def _add_tools(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tools",
        choices=["all", "search", "auto"],
        default="all",
        help="search: list three tools that find, describe and call the others; auto: from 41 tools on; default: all",
    )
    for option, what in (("--include", "only these tools"), ("--exclude", "all tools but these")):
        said = f"serve {what}: tag:GLOB or name:GLOB; repeatable"
        parser.add_argument(option, action="append", default=[], metavar="PATTERN", help=said)


def _add_http(parser: argparse.ArgumentParser) -> None:
    http = parser.add_argument_group("over http")
    http.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    http.add_argument("--port", type=_port, default=8000, help="default: %(default)s")
    http.add_argument("--allowed-host", action="append", default=[], metavar="HOST", help="to accept; repeatable")
    http.add_argument("--workers", type=_workers, default=1, metavar="N", help="processes; default: %(default)s")
    http.add_argument(
        "--grace",
        type=_grace,
        default=20,
        metavar="SECONDS",
        help="that calls have to end in when the server is stopped; default: %(default)s",
    )


def _add_key(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="other than serving")
    key = verbs.add_parser(
        "key", help="make a key for a caller", description="Make a key, and the line to store of it."
    )
    key.add_argument("name", metavar="NAME", help="of the caller; the audit log names it")
    key.add_argument("--scopes", default="read", metavar="A,B", help="read, write, destructive; default: %(default)s")


def _epilog() -> str:
    width = max(map(len, WHO_MAY_CALL))
    rows = [f"    {name:<{width}}  {doc}" for name, doc in WHO_MAY_CALL.items()]
    return "\n".join(["settings that say who may call over http; without any, on loopback, everybody:", "", *rows])


def _port(text: str) -> int:
    return _whole(text, MAX_PORT, "a port")


def _workers(text: str) -> int:
    return _whole(text, MAX_WORKERS, "the number of workers")


def _grace(text: str) -> int:
    return _whole(text, MAX_GRACE, "a grace")


def _whole(text: str, most: int, what: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"{what} is a number from 1 to {most}")
