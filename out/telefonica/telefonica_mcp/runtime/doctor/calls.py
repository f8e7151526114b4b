"""Whether the server starts, and whether the credentials are accepted: by real calls that change nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager
from typing import TextIO

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import ListToolsRequest, ListToolsResult, TextContent
from pydantic_core import from_json

from ...errors import ApiError, Failed, from_dict
from ..oauth import Tokens
from ..session import Session
from .findings import Finding, fine, problem, warning
from .subject import PACKAGE, ClientCredentials, Gateway, Probe, Subject

START_SECONDS = 30.0
CALL_SECONDS = 120.0
"""For a probe, should the server not end it before."""

_KINDS = {
    "unauthorized": (problem, "the credential was not accepted (HTTP 401)"),
    "forbidden": (problem, "the credential was accepted, and may not do this (HTTP 403)"),
    "blocked": (problem, "a web application firewall answered in the API's place"),
    "not_found": (warning, "the API knows nothing under the catalog's example, or the base URL's path is wrong"),
    "rate_limited": (warning, "the API asks for fewer calls (HTTP 429)"),
    "rejected": (warning, "the API did not accept the catalog's example"),
    "schema_mismatch": (warning, "the API let us in, and its answer is not what the catalog says"),
    "not_json": (problem, "something answered that is not the API: a portal, a login page, or a proxy"),
}
"""What an error of a probe means; any other says it itself."""


async def tokens(subject: Subject, held: Tokens, bad: Set[str]) -> list[Finding]:
    """Whether each token endpoint issues a token. bad: settings of which is known that they cannot be used."""
    found = []
    for one in subject.credentials:
        if isinstance(one, ClientCredentials) and bad.isdisjoint(one.credential().variables):
            try:
                await held.carried(one.credential())
                found.append(fine(f"The token endpoint issues a token for {one.client_id}."))
            except ApiError as error:
                found.append(problem(error.message, error.hint))
    return found


@asynccontextmanager
async def started(environ: Mapping[str, str]) -> AsyncIterator[tuple[Session, Client]]:
    """The server as hosts start it: a child process over stdio. Raises `ServerLost`."""
    with _nowhere() as nowhere:
        client = Client(stdio_client(_command(environ), errlog=nowhere), read_timeout_seconds=CALL_SECONDS)
        session = Session(client)
        try:
            await session.open(START_SECONDS)
            yield session, client
        finally:
            await session.close()


async def listed(client: Client) -> Finding:
    """Whether the server lists its tools."""
    listing = await client.session.send_request(ListToolsRequest(), ListToolsResult)
    return fine(f"The server starts, and lists {len(listing.tools)} tools.")


async def called(session: Session, gateway: Gateway, bad: Set[str]) -> list[Finding]:
    """Go through each door of a gateway once."""
    if not bad.isdisjoint(gateway.variables):
        return []
    found = []
    for door in gateway.doors:
        if not bad.isdisjoint(door.variables):
            continue
        if door.probe is None:
            which = " and ".join(sorted(door.variables)) or "no credential"
            remedy = "Give the inputs of a read-only API examples in the catalog, and generate again."
            found.append(warning(f"{gateway.name}: no API could be tried with {which} without changing data.", remedy))
        else:
            found.append(await _tried(session, gateway, door.probe))
    return found


async def _tried(session: Session, gateway: Gateway, probe: Probe) -> Finding:
    try:
        result = await session.call(probe.tool, probe.arguments)
    except ApiError as error:
        return problem(f"{gateway.name}: {probe.tool}: {error.message}", error.hint)
    if not result.is_error:
        return fine(f"{gateway.name}: {probe.tool} answers, with the catalog's example.")
    failed = _told("".join(one.text for one in result.content if isinstance(one, TextContent)))
    make, said = _KINDS.get(failed.code, (problem, failed.message.rstrip(".")))
    return make(f"{gateway.name}: {probe.tool}: {said}.", failed.hint)


def _told(text: str) -> ApiError:
    try:
        return from_dict(from_json(text)["error"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return Failed("The server answered with an error that it did not explain.", "Its log says more.")


def _command(environ: Mapping[str, str]) -> StdioServerParameters:
    """The child finds the same modules as this process, and none in the current folder (-P)."""
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
    passed = {**os.environ, **environ, "PYTHONPATH": paths}
    return StdioServerParameters(command=sys.executable, args=["-P", "-m", PACKAGE], env=passed)


def _nowhere() -> TextIO:
    """Where the server's own output goes: what it would say is found here."""
    return open(os.devnull, "w", encoding="utf-8")
