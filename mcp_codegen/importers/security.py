"""Security schemes and requirements → the catalog's `auth`, its secrets named by environment variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urljoin

from mcp_codegen.errors import shown
from mcp_codegen.importers import naming
from mcp_codegen.importers.servers import Server, base_variable

Json = Mapping[str, Any]
Auths = tuple[dict[str, Any], ...]
Tell = Callable[[str], None]

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")


class Schemes:
    """The security schemes of one description."""

    def __init__(self, catalog: str, schemes: Mapping[str, Json], server: Server) -> None:
        self._catalog = catalog
        self._schemes = schemes
        self._server = server

    def required(self, requirements: object, tell: Tell) -> Auths:
        """What one operation asks for: the first alternative that can be said. Nothing: it is open."""
        alternatives = (
            [one for one in requirements if isinstance(one, Mapping)] if isinstance(requirements, list) else []
        )
        if not alternatives:
            return ()
        for index, one in enumerate(alternatives):
            found = self._together(one)
            if found is not None:
                if len(alternatives) > 1:
                    chosen = " and ".join(map(str, one)) or "no credential"
                    tell(f"of {len(alternatives)} alternative ways to be let in, {chosen} is taken")
                if index:
                    tell("earlier alternatives cannot be said in a catalog")
                return found
        asked = ", ".join(shown(str(name)) for one in alternatives for name in one)
        tell(f"the credentials that it asks for ({asked}) cannot be said in a catalog: set 'auth'")
        return ()

    def _together(self, requirement: Json) -> Auths | None:
        """All schemes of one alternative; None when one of them cannot be said."""
        found: list[dict[str, Any]] = []
        for name, scopes in requirement.items():
            scheme = self._schemes.get(name)
            auth = self._auth(str(name), scheme, scopes) if scheme is not None else None
            if auth is None:
                return None
            found.append(auth)
        places = [(one.get("in", "header"), one.get("name", "authorization").lower()) for one in found]
        return tuple(found) if len(set(places)) == len(places) else None

    def _auth(self, name: str, scheme: Json, scopes: object) -> dict[str, Any] | None:  # noqa: PLR0911
        kind = str(scheme.get("type", "")).casefold()
        if kind == "apikey":
            place, key = scheme.get("in"), scheme.get("name")
            if place not in ("header", "query", "cookie") or not isinstance(key, str) or not _NAME.fullmatch(key):
                return None
            return {"type": "apiKey", "in": place, "name": key, "env": self._env(name, "KEY", "TOKEN", "SECRET")}
        if kind == "basic" or (kind == "http" and str(scheme.get("scheme", "")).casefold() == "basic"):
            return {
                "type": "basic",
                "usernameEnv": naming.variable(self._catalog, name, "USERNAME"),
                "passwordEnv": naming.variable(self._catalog, name, "PASSWORD"),
            }
        if kind == "http" and str(scheme.get("scheme", "")).casefold() != "bearer":
            return None
        if kind == "oauth2" and (flow := _client_credentials(scheme)) is not None:
            return self._oauth(name, flow, scopes)
        if kind in ("http", "oauth2", "openidconnect"):
            return {"type": "bearer", "env": self._env(name, "TOKEN")}
        return None

    def _oauth(self, name: str, flow: Json, scopes: object) -> dict[str, Any]:
        asked = [one for one in scopes if isinstance(one, str)] if isinstance(scopes, list) else []
        return {
            "type": "oauth2ClientCredentials",
            "tokenUrl": self._token_url(name, flow.get("tokenUrl")),
            "clientIdEnv": naming.variable(self._catalog, name, "CLIENT_ID"),
            "clientSecretEnv": naming.variable(self._catalog, name, "CLIENT_SECRET"),
            **({"scopes": asked} if asked else {}),
        }

    def _token_url(self, name: str, url: object) -> str:
        """Absolute, or behind the gateway's own host; from the environment where the description does not say."""
        if isinstance(url, str) and re.fullmatch(r"https?://[^\s{}?#@$]+", url):
            return url
        if isinstance(url, str) and re.fullmatch(r"[A-Za-z0-9._~/%-]+", url) and url.strip("/"):
            path = urljoin(f"{self._server.prefix}/", url)
            return f"${{{base_variable(self._catalog, self._catalog)}}}{path}"
        return f"${{{naming.variable(self._catalog, name, 'TOKEN_URL')}}}"

    def _env(self, name: str, *endings: str) -> str:
        return naming.variable(self._catalog, name, ending=endings)


def _client_credentials(scheme: Json) -> Json | None:
    if scheme.get("flow") == "application":  # Swagger 2
        return scheme
    flows = scheme.get("flows")
    found = flows.get("clientCredentials") if isinstance(flows, Mapping) else None
    return found if isinstance(found, Mapping) else None
