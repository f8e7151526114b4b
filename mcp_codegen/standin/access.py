"""Who is let in: whoever shows the credential that an API asks for."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from mcp_codegen.catalog import ApiKey, Auth, Basic, Bearer, NoAuth, OAuth2ClientCredentials
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


def gates(auths: Iterable[Auth], environ: Mapping[str, str]) -> tuple[Gate, ...]:
    """What stands before an API, all of it to be passed; nothing where anybody may come in."""
    return tuple(_gate(auth, environ) for auth in auths if not isinstance(auth, NoAuth))


def _gate(auth: ApiKey | Bearer | Basic | OAuth2ClientCredentials, environ: Mapping[str, str]) -> Gate:
    held = [credential(variable, environ) for variable in variables(auth)]
    if isinstance(auth, ApiKey):
        where = f"the {_PLACES[auth.in_]} {auth.name}"
        return Gate(where, lambda request: _key(auth, request), held[0].encode(), variables(auth))
    if isinstance(auth, Basic):
        return _in_authorization("Basic", decoded, ":".join(held), variables(auth))
    if isinstance(auth, OAuth2ClientCredentials):
        return _in_authorization("Bearer", lambda given: given, token(auth, environ), variables(auth))
    # The setting may hold the token with the word Bearer before it.
    expected = held[0][7:].strip() if held[0][:7].lower() == "bearer " else held[0]
    return _in_authorization("Bearer", lambda given: given, expected, variables(auth))


def token(auth: OAuth2ClientCredentials, environ: Mapping[str, str]) -> str:
    """The token that the stand-in issues to a client: the same in any process."""
    said = "\0".join([*(credential(variable, environ) for variable in variables(auth)), *auth.scopes])
    return f"mock-token-{blake2b(said.encode(), digest_size=12).hexdigest()}"


def credential(variable: str, environ: Mapping[str, str]) -> str:
    """The credential of a setting: its value where it is set, else a placeholder."""
    return environ.get(variable, "").strip() or f"mock-{variable.lower().replace('_', '-')}"


def variables(auth: Auth) -> tuple[str, ...]:
    """The settings that hold an API's credential."""
    if isinstance(auth, Basic):
        return (auth.username_env, auth.password_env)
    if isinstance(auth, OAuth2ClientCredentials):
        return (auth.client_id_env, auth.client_secret_env)
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


def decoded(given: bytes) -> bytes | None:
    """What base64 says; None for what is none."""
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        return None
