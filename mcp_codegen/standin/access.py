"""Who is let in: whoever shows the credential that an API asks for."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mcp_codegen.catalog import ApiKey, Auth, Basic, Bearer, NoAuth
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.standin.errors import Refused
from mcp_codegen.standin.messages import Request, failure

UNAUTHORIZED: Final = 401

_PLACES: Final = {"header": "header", "query": "query parameter", "cookie": "cookie"}


@dataclass(frozen=True, slots=True)
class Gate:
    """What an API asks of its callers."""

    where: str
    find: Callable[[Request], bytes | None]
    """The credential that a request shows."""
    expected: bytes
    variables: tuple[str, ...]
    challenge: Mapping[str, str] = field(default_factory=dict)
    """The header of a refusal (RFC 9110, section 11.6.1)."""

    def check(self, request: Request) -> None:
        """Let a request in. Raises `Refused`; what was shown, or should have been, is told to nobody."""
        given = self.find(request)
        if given is None:
            said = f"no credential: {self.where} is missing"
        elif not hmac.compare_digest(given, self.expected):
            said = f"not the credential that the stand-in accepts: {self.where}"
        else:
            return
        hint = (
            f"It accepts what {' and '.join(self.variables)} held when it started, else the placeholder it announced."
        )
        raise Refused(failure(UNAUTHORIZED, said, self.challenge, hint=hint))


def gate(auth: Auth, environ: Mapping[str, str]) -> Gate | None:
    """What stands before an API; None where anybody may come in. Raises `SettingsError`."""
    held = [credential(variable, environ) for variable in variables(auth)]
    if isinstance(auth, NoAuth):
        return None
    if isinstance(auth, ApiKey):
        where = f"the {_PLACES[auth.in_]} {auth.name}"
        return Gate(where, lambda request: _key(auth, request), held[0].encode(), variables(auth))
    if isinstance(auth, Bearer):
        # The setting may hold the token with the word Bearer before it.
        token = held[0][7:].strip() if held[0][:7].lower() == "bearer " else held[0]
        return _in_authorization("Bearer", lambda given: given, token, variables(auth))
    if isinstance(auth, Basic):
        return _in_authorization("Basic", _decoded, ":".join(held), variables(auth))
    raise SettingsError(
        f"the stand-in cannot check credentials of type {shown(auth.type)} yet; use another in its catalog"
    )


def credential(variable: str, environ: Mapping[str, str]) -> str:
    """The credential of a setting: its value where it is set, else a placeholder."""
    return environ.get(variable, "").strip() or f"mock-{variable.lower().replace('_', '-')}"


def variables(auth: Auth) -> tuple[str, ...]:
    """The settings that hold an API's credential."""
    if isinstance(auth, Basic):
        return (auth.username_env, auth.password_env)
    return (auth.env,) if isinstance(auth, ApiKey | Bearer) else ()


def _in_authorization(
    scheme: str, read: Callable[[bytes], bytes | None], expected: str, settings: tuple[str, ...]
) -> Gate:
    def find(request: Request) -> bytes | None:
        name, _, rest = request.headers.get("authorization", "").partition(" ")
        return read(rest.strip().encode("latin-1", "replace")) if name.lower() == scheme.lower() else None

    where, challenge = f"the header Authorization ({scheme})", {"WWW-Authenticate": f'{scheme} realm="stand-in"'}
    return Gate(where, find, expected.encode(), settings, challenge)


def _key(auth: ApiKey, request: Request) -> bytes | None:
    if auth.in_ == "query":
        given = request.query.get(auth.name, [])
        return given[0].encode() if len(given) == 1 else None
    found = request.headers.get(auth.name.lower()) if auth.in_ == "header" else request.cookies.get(auth.name)
    return None if found is None else found.encode("latin-1", "replace")


def _decoded(given: bytes) -> bytes | None:
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        return None
