"""The ways to tell who is calling: a key, a token of an issuer, and, where neither is set up, this machine."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from starlette.requests import HTTPConnection

from mcp_codegen.orchestrator.service import keys
from mcp_codegen.orchestrator.service.access import Authenticator, Caller, credential, unauthenticated
from mcp_codegen.orchestrator.service.roles import Role
from mcp_codegen.orchestrator.service.tokens import Tokens

REFUSED = "the key or token is not accepted: it is unknown, expired, revoked, or meant for another service"
"""The same for all, so that who guesses learns nothing."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""What proxies add: such a request comes from this machine, and whoever sent it may not."""


def by_key(database: sa.Engine) -> Authenticator:
    """Whose key is shown. It is looked up each time: one that is revoked opens nothing more."""

    async def authenticate(connection: HTTPConnection) -> Caller | None:
        shown = credential(connection)
        if shown is None or not shown.startswith(keys.PREFIX):
            return None
        key = await asyncio.to_thread(keys.find, database, shown)
        if key is None:
            raise unauthenticated(REFUSED)
        return Caller(f"key:{key.name}", key.role)

    return authenticate


def by_token(tokens: Tokens | None) -> Authenticator:
    """Whom the token's issuer names; without one no token is accepted."""

    async def authenticate(connection: HTTPConnection) -> Caller | None:
        shown = credential(connection)
        if shown is None:
            return None
        caller = await tokens.caller(shown) if tokens is not None else None
        if caller is None:
            raise unauthenticated(REFUSED)
        return caller

    return authenticate


def open_until_closed(database: sa.Engine) -> Authenticator:
    """Everybody on this machine may do everything, until the first key is made: for a service on loopback alone."""

    async def authenticate(connection: HTTPConnection) -> Caller | None:
        if any(name in connection.headers for name in FORWARDED):
            return None
        closed = await asyncio.to_thread(keys.any_made, database)
        return None if closed else Caller("local", Role.ADMIN)

    return authenticate
