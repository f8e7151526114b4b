"""Where clients get tokens (RFC 6749, section 4.4): the token endpoints of a catalog, on the stand-in's own port."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from mcp_codegen.catalog import OAuth2ClientCredentials
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.standin import access, places
from mcp_codegen.standin.messages import Reply, Request, parsed_query

OK, BAD_REQUEST, UNAUTHORIZED, NOT_ALLOWED = 200, 400, 401, 405
LIFE_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class _Client:
    identifier: str
    secret: str
    scopes: tuple[str, ...]
    token: str

    def is_shown(self, request: Request, form: Mapping[str, list[str]]) -> bool:
        """Whether a request shows the client's identifier and secret, in the header or in the form."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given = (access.decoded(rest.strip().encode("latin-1", "replace")) or b"").decode(errors="replace")
            identifier, _, secret = (unquote_plus(part) for part in given.partition(":"))
        else:
            identifier, secret = (form.get(name, [""])[0] for name in ("client_id", "client_secret"))
        shown = f"{identifier}\0{secret}".encode("utf-8", "surrogatepass")
        return hmac.compare_digest(shown, f"{self.identifier}\0{self.secret}".encode())


class TokenEndpoints:
    """The token endpoints of a catalog's active APIs."""

    def __init__(self, catalog: CheckedCatalog, environ: Mapping[str, str]) -> None:
        self._clients: dict[str, dict[str, _Client]] = {}
        for auth in (auth for one in catalog.active for auth in catalog.auths_of(one)):
            if isinstance(auth, OAuth2ClientCredentials):
                held = [access.credential(variable, environ) for variable in access.variables(auth)]
                token = access.token(auth, environ)
                client = _Client(held[0], held[1], tuple(auth.scopes), token)
                self._clients.setdefault(places.path_of_url(auth.token_url), {})[token] = client

    def reply(self, request: Request) -> Reply | None:
        """The answer to whoever asks for a token; None where the path is no token endpoint."""
        clients = self._clients.get(request.path)
        if clients is None:
            return None
        if request.method != "POST":
            return Reply(NOT_ALLOWED, {"error": "invalid_request"}, {"Allow": "POST"})
        return _reply(request, list(clients.values()))


def _reply(request: Request, clients: Sequence[_Client]) -> Reply:
    try:
        form = parsed_query(request.body)
    except ValueError:
        return Reply(BAD_REQUEST, {"error": "invalid_request"})
    if form.get("grant_type") != ["client_credentials"]:
        return Reply(BAD_REQUEST, {"error": "unsupported_grant_type"})
    known = [client for client in clients if client.is_shown(request, form)]
    if not known:
        return Reply(UNAUTHORIZED, {"error": "invalid_client"}, {"WWW-Authenticate": 'Basic realm="stand-in"'})
    scopes = form.get("scope", [""])[0].split()
    fitting = [client for client in known if list(client.scopes) == scopes]
    if not fitting:
        return Reply(BAD_REQUEST, {"error": "invalid_scope"})
    issued = {"access_token": fitting[0].token, "token_type": "Bearer", "expires_in": LIFE_SECONDS}
    return Reply(OK, issued, {"Cache-Control": "no-store"})
