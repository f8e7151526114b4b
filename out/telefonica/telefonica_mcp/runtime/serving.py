"""The server as a program: settings from the environment and `.env`, stdio or Streamable HTTP."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from ..errors import NotConfigured
from .command_line import make_parser
from .settings import is_loopback
from .tooling import ApiServer

if TYPE_CHECKING:
    from .http_serving import HttpOptions

BACKLOG = 2_048
MANY_TOOLS = 40
"""More than these are searched with `--tools auto`: some hosts pass no more to their model, and choice gets worse."""

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
    if words[:1] == ["ask"]:
        from .asking import main as ask  # noqa: PLC0415 - the same

        raise SystemExit(ask(words[1:], program))
    parser = make_parser(program, version, description)
    args = parser.parse_args(words)
    if args.env_file and not args.env_file.is_file():
        parser.error(f"there is no file {args.env_file}; name one that exists, or leave --env-file out")
    try:
        run = _prepared(create, args)
    except NotConfigured as error:
        parser.error(str(error))
    gc.freeze()  # what was imported stays: the collector would look through all of it, again and again
    try:
        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _prepared(create: Create, args: argparse.Namespace) -> Callable[[], None]:
    """What the words ask for, ready to run. Raises `NotConfigured`."""
    if args.verb == "key":
        return partial(print, _new_key(args.name, args.scopes))
    environ = environment(args.env_file)
    offer = Offer(args.tools, tuple(args.include), tuple(args.exclude), args.read_only, args.audit_log)
    if args.transport == "stdio":
        return partial(_run_stdio, offered(create, offer, environ))
    from .http_serving import run_http  # noqa: PLC0415 - stdio does not pay for it

    options = _http_options(args, environ)
    offer = replace(offer, authenticated=options.authentication is not None)
    offered(create, offer, environ)  # what is wrong is said here, once, and not by each worker
    listening = _listen(options)
    return partial(run_http, partial(offered, create, offer), environ, options, listening)


@dataclass(frozen=True, slots=True)
class Offer:
    """Which tools a server offers, how it shows them, and what stands before them."""

    tools: str = "all"
    """How they are shown: `all`, by `search`, or `auto`."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    read_only: bool = False
    audit_log: str = ""
    authenticated: bool = False


def offered(create: Create, offer: Offer, environ: Mapping[str, str]) -> ApiServer:
    """The server as it was asked for. Raises `NotConfigured`."""
    server = create(environ)
    if any(name.startswith("OTEL_") for name in os.environ):
        from .exporting import export  # noqa: PLC0415 - only those who ask for it pay for it

        export(server.name, server.version or "")
    if offer.include or offer.exclude:
        from .selection import chosen  # noqa: PLC0415 - only those who ask for it pay for it

        server.offer(chosen(server.tags, offer.include, offer.exclude))
    if offer.tools == "search" or (offer.tools == "auto" and len(server.tags) > MANY_TOOLS):
        from .search_mode import ToolSearch  # noqa: PLC0415 - the same

        server.middleware.append(ToolSearch(server))  # before the others: they see the tool that is called
    if offer.audit_log:
        from .audit import AuditLog  # noqa: PLC0415 - the same

        server.middleware.append(AuditLog(offer.audit_log))
    if offer.read_only or offer.authenticated:
        from .scopes import Access  # noqa: PLC0415 - the same

        server.middleware.append(Access(server, most="read" if offer.read_only else "destructive"))
    return server


def _run_stdio(server: ApiServer) -> None:
    # Python's own handler would wait for the thread that reads stdin; there is nothing to clean up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.stdin.isatty():
        print("Waiting for a host on standard input; see --help for HTTP.", file=sys.stderr)
    server.run("stdio")


def _http_options(args: argparse.Namespace, environ: Mapping[str, str]) -> HttpOptions:
    """How to serve over HTTP. Raises `NotConfigured` for what would let in anybody."""
    from .authentication import read_authentication  # noqa: PLC0415 - stdio does not pay for it
    from .http_serving import HttpOptions  # noqa: PLC0415 - the same

    hosts, local = tuple(args.allowed_host), is_loopback(args.host)
    options = HttpOptions(args.host, args.port, hosts, args.workers, args.grace)
    authentication = read_authentication(environ, options.url, local=local and not hosts)
    missing = [] if authentication else ["authentication: set MCP_AUTH_ISSUER, MCP_API_KEYS or MCP_API_KEYS_FILE"]
    missing += [] if hosts else ["the Host headers to accept: --allowed-host mcp.example.com"]
    if missing and not local:
        message = f"Listening off loopback, on {args.host}, needs {'; and '.join(missing)}."
        raise NotConfigured(message, "See --help, or listen on 127.0.0.1.")
    return HttpOptions(args.host, args.port, hosts, args.workers, args.grace, authentication)


def _listen(options: HttpOptions) -> socket.socket:
    """The socket, bound. Raises `NotConfigured` when it cannot be."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # The protocol is named: asyncio sends without Nagle's delay, 40 ms an answer, only where it is.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # else two programs could listen on one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((options.host, options.port))
        listening.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        listening.close()
        why = (getattr(error, "strerror", None) or "there is no such host").lower()
        hint = "Choose another --port or --host."
        raise NotConfigured(f"{options.host}, port {options.port}, cannot be listened on: {why}.", hint) from error
    print(f"Listening on {options.url}; stop it with Ctrl-C.", file=sys.stderr, flush=True)
    return listening


def _new_key(name: str, scopes: str) -> str:
    from .api_keys import make_key  # noqa: PLC0415 - stdio does not pay for it

    key, stored = make_key(name, [scope.strip() for scope in scopes.split(",")])
    return f"""\
The key, shown this once, for the header "Authorization: Bearer KEY":

    {key}

The line to keep, in MCP_API_KEYS or in the file that MCP_API_KEYS_FILE names:

    {stored}"""
