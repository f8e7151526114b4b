"""Cookies of the dashboard: the session, what comes before it, and how one likes pages to be."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import Literal

from fastapi import Response
from starlette.requests import HTTPConnection

LONGEST = 200
YEAR = 365 * 24 * 3600

Kind = Literal["session", "visitor", "attempt"]


def session(connection: HTTPConnection) -> str | None:
    """The id of the browser's session, if it shows one."""
    return _shown(connection, "session")


def mark(connection: HTTPConnection) -> str | None:
    """What this browser alone has: its session's id, or, before it signed in, its visitor's mark."""
    return session(connection) or _shown(connection, "visitor")


def attempt(connection: HTTPConnection) -> str | None:
    """The secret of the sign-in that the browser has begun at an issuer, if it has."""
    return _shown(connection, "attempt")


def form_token(mark: str) -> str:
    """What each form of a browser carries: who does not have the browser's cookie cannot make it (CSRF)."""
    return hmac.new(mark.encode("utf-8", "replace"), b"mcp-orchestrator: a form", hashlib.sha256).hexdigest()


def keep(connection: HTTPConnection, response: Response, kind: Kind, value: str, seconds: int) -> None:
    """Have the browser keep a value that no script reads, and send it here alone."""
    secure = not _is_local(connection)
    response.set_cookie(
        _name(connection, kind), value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax"
    )


def drop(connection: HTTPConnection, response: Response, kind: Kind) -> None:
    """Have the browser forget a value."""
    keep(connection, response, kind, "", 0)


def prefer(connection: HTTPConnection, response: Response, name: str, value: str) -> None:
    """Have the browser remember how somebody likes pages; scripts may read it."""
    response.set_cookie(name, value, max_age=YEAR, path="/ui", secure=not _is_local(connection), samesite="lax")


def _shown(connection: HTTPConnection, kind: Kind) -> str | None:
    value = connection.cookies.get(_name(connection, kind), "")
    return value if 0 < len(value) <= LONGEST else None


def _name(connection: HTTPConnection, kind: Kind) -> str:
    """With a prefix by which browsers see to it that no other host or plain connection sets it."""
    return f"{'' if _is_local(connection) else '__Host-'}orchestrator-{kind}"


def _is_local(connection: HTTPConnection) -> bool:
    """Whether the browser calls a loopback name in clear: browsers take no Secure cookies there."""
    host = connection.url.hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host.lower() == "localhost"
    return is_loopback and connection.url.scheme == "http"
