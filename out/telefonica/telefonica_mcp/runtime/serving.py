"""The server's command line: settings from the environment and `.env`, stdio or Streamable HTTP."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dotenv import dotenv_values
from mcp.server.transport_security import TransportSecuritySettings

from ..errors import NotConfigured
from .tooling import ApiServer

MAX_PORT = 65_535

Create = Callable[[Mapping[str, str]], ApiServer]


def environment(env_file: Path | None = None) -> dict[str, str]:
    """This process's environment over what an env file holds; by default `.env` in the current folder, if it exists.

    Raises `NotConfigured` when there is such a file and it is no text.
    """
    file = env_file or Path(".env")
    try:
        written = dotenv_values(file, interpolate=False, encoding="utf-8-sig")  # some editors start it with a mark
    except (OSError, UnicodeError) as error:
        raise NotConfigured(f"The file {file} cannot be read.", "It should be UTF-8 text that you may read.") from error
    return {name: value for name, value in written.items() if value is not None} | dict(os.environ)


def serve(create: Create, *, program: str, version: str, description: str, argv: Sequence[str] | None = None) -> None:
    """Serve until the host closes stdin, or until the process is interrupted."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["doctor"]:
        from .doctor.command import main  # noqa: PLC0415 - a server that starts does not need it

        raise SystemExit(main(words[1:], program, version))
    parser = _parser(program, version, description)
    args = parser.parse_args(words)
    if args.env_file and not args.env_file.is_file():
        parser.error(f"there is no file {args.env_file}; name one that exists, or leave --env-file out")
    if args.transport != "stdio" and not (_is_loopback(args.host) or args.allowed_host):
        parser.error("off loopback, name the Host headers to accept with --allowed-host; put authentication in front")
    try:
        server = create(environment(args.env_file))
    except NotConfigured as error:
        parser.error(str(error))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines carry whole URLs
    try:
        _run(server, args)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _run(server: ApiServer, args: argparse.Namespace) -> None:
    if args.transport == "stdio":
        # Python's own handler would wait for the thread that reads stdin; there is nothing to clean up.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if sys.stdin.isatty():
            print("Waiting for a host on standard input; see --help for HTTP.", file=sys.stderr)
        server.run("stdio")
        return
    print(f"Listening on {_url(args.host, args.port)}; stop it with Ctrl-C.", file=sys.stderr)
    server.run(
        "streamable-http",
        host=args.host,
        port=args.port,
        stateless_http=True,
        json_response=True,
        transport_security=_security(args.host, args.allowed_host),
    )


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/mcp"


def _security(host: str, allowed: list[str]) -> TransportSecuritySettings:
    """Against DNS rebinding: the Host and Origin headers to accept, with any port; loopback's unless others are named.

    Not left to the SDK, which checks nothing on a loopback address that it does not know, such as 127.0.0.2.
    """
    loopback = {"127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host}
    hosts = [form for name in allowed or sorted(loopback) for form in (name, f"{name}:*")]
    origins = [] if allowed else [f"http://{name}" for name in hosts]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def _parser(program: str, version: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version}")
    parser.add_argument(
        "--transport", choices=["stdio", "http", "streamable-http"], default="stdio", help="default: %(default)s"
    )
    parser.add_argument("--host", default="127.0.0.1", help="for http; default: %(default)s")
    parser.add_argument("--port", type=_port, default=8000, help="for http; default: %(default)s")
    parser.add_argument(
        "--allowed-host", action="append", default=[], metavar="HOST", help="Host header to accept; repeatable"
    )
    parser.add_argument("--env-file", type=Path, help="settings; default: .env in the current folder, if it exists")
    return parser


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 1 to {MAX_PORT}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
