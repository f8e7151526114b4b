"""Who may call over HTTP: keys, and bearer tokens of an OAuth 2.1 authorization server (this is a resource server)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotConfigured
from .api_keys import StoredKey, read_keys
from .scopes import SCOPES, Scope
from .settings import WHO_MAY_CALL, Settings, is_trustworthy

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Authentication:
    """What the settings say about who may call. It holds no secret."""

    keys: tuple[StoredKey, ...] = ()
    issuers: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    jwks_url: str = ""
    resource_url: str = ""
    names: tuple[tuple[Scope, tuple[str, ...]], ...] = ()
    """Of each scope: what the issuers call it."""

    @property
    def published(self) -> list[str]:
        """The scopes that a client may ask an issuer for."""
        return [names[0] for _, names in self.names]

    def granted(self, claimed: Iterable[str]) -> set[Scope]:
        """The scopes by what a token calls them; `api://server/read` asked for comes back as `read` from Entra ID."""
        held = set(claimed)
        return {scope for scope, names in self.names for name in names if {name, name.rpartition("/")[2]} & held}


def read_authentication(environ: Mapping[str, str], url: str, *, local: bool) -> Authentication | None:
    """Who may call, by the settings; None where they say nothing. url: where the server listens.

    local: that this is its public URL. Raises `NotConfigured`.
    """
    settings = Settings(environ)
    if not any(map(settings.get, WHO_MAY_CALL)):
        return None
    keys = _keys(settings)
    if not settings.get("MCP_AUTH_ISSUER"):
        if keys:
            return Authentication(keys=keys)
        raise NotConfigured("The settings say that callers are to be authenticated, but not how.", _HOW)
    issuers, jwks_url = _urls(settings, "MCP_AUTH_ISSUER"), "".join(_urls(settings, "MCP_AUTH_JWKS_URL")[:1])
    resource_url = settings.get("MCP_RESOURCE_URL") or (url if local else "")
    if not is_trustworthy(resource_url) or "?" in resource_url or "#" in resource_url:
        hint = "It should look like https://mcp.example.com/mcp."
        raise NotConfigured("MCP_RESOURCE_URL does not give the https URL by which clients reach this server.", hint)
    return Authentication(
        keys=keys,
        issuers=issuers,
        audiences=tuple(settings.get("MCP_AUTH_AUDIENCE").split()) or (resource_url,),
        jwks_url=jwks_url,
        resource_url=resource_url,
        names=tuple((scope, _names(settings, scope)) for scope in SCOPES),
    )


_HOW = "Set MCP_AUTH_ISSUER for tokens, or MCP_API_KEYS or MCP_API_KEYS_FILE for keys."


def _keys(settings: Settings) -> tuple[StoredKey, ...]:
    lines: Sequence[str] = settings.get("MCP_API_KEYS").split()
    keys = read_keys(lines, "MCP_API_KEYS")
    file = settings.get("MCP_API_KEYS_FILE")
    if not file:
        return keys
    try:
        text = Path(file).read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        hint = "It should name a UTF-8 text file that this server may read."
        raise NotConfigured("The file of MCP_API_KEYS_FILE cannot be read.", hint) from error
    both = [*map(str, keys), *text.splitlines()]
    return read_keys(both, "MCP_API_KEYS_FILE")


def _urls(settings: Settings, variable: str) -> tuple[str, ...]:
    urls = tuple(settings.get(variable).split())
    if not all(map(is_trustworthy, urls)):
        hint = "It should look like https://login.example.com; http only on this machine."
        raise NotConfigured(f"{variable} does not give an https URL.", hint)
    return urls


def _names(settings: Settings, scope: Scope) -> tuple[str, ...]:
    return tuple(settings.get(f"MCP_SCOPE_{scope.upper()}").split()) or (scope,)


def claimed_scopes(claims: Mapping[str, Any]) -> list[str]:
    """What a token says its holder may do: `scope` (RFC 9068), `scp` and `roles` (Entra ID); texts or lists."""
    found: list[str] = []
    for claim in ("scope", "scp", "roles"):
        value = claims.get(claim)
        found += value.split() if isinstance(value, str) else []
        found += [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
    return found
