"""The server's command line: settings from the environment and `.env`, stdio or Streamable HTTP."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dotenv import dotenv_values
from mcp.server.transport_security import TransportSecuritySettings

from .tooling import ApiServer

Create = Callable[[Mapping[str, str]], ApiServer]


def environment(env_file: Path | None = None) -> dict[str, str]:
    """This process's environment over what an env file holds; by default `.env` in the current folder, if it exists."""
    written = dotenv_values(env_file or Path(".env"), interpolate=False)
    return {name: value for name, value in written.items() if value is not None} | dict(os.environ)


def serve(create: Create, *, program: str, version: str, description: str, argv: Sequence[str] | None = None) -> None:
    """Serve until the host closes stdin, or until the process is interrupted."""
    parser = _parser(program, version, description)
    args = parser.parse_args(argv)
    if args.env_file and not args.env_file.is_file():
        parser.error(f"there is no file {args.env_file}; name one that exists, or leave --env-file out")
    if args.transport != "stdio" and not (_is_loopback(args.host) or args.allowed_host):
        parser.error("off loopback, name the Host headers to accept with --allowed-host; put authentication in front")
    server = create(environment(args.env_file))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines carry whole URLs
    try:
        _run(server, args)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _run(server: ApiServer, args: argparse.Namespace) -> None:
    if args.transport == "stdio":
        server.run("stdio")
        return
    security = TransportSecuritySettings(allowed_hosts=args.allowed_host) if args.allowed_host else None
    server.run(
        "streamable-http",
        host=args.host,
        port=args.port,
        stateless_http=True,
        json_response=True,
        transport_security=security,  # None: the SDK accepts loopback's Host and Origin headers only
    )


def _parser(program: str, version: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version}")
    parser.add_argument(
        "--transport", choices=["stdio", "http", "streamable-http"], default="stdio", help="default: %(default)s"
    )
    parser.add_argument("--host", default="127.0.0.1", help="for http; default: %(default)s")
    parser.add_argument("--port", type=int, default=8000, help="for http; default: %(default)s")
    parser.add_argument(
        "--allowed-host", action="append", default=[], metavar="HOST", help="Host header to accept; repeatable"
    )
    parser.add_argument("--env-file", type=Path, help="settings; default: .env in the current folder, if it exists")
    return parser


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
