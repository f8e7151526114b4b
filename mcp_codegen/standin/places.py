"""Where the stand-in takes the APIs' places: the paths that it serves, and the settings that lead a server to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from mcp_codegen.catalog import OAuth2ClientCredentials
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.standin import access

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*|\$\{[A-Z0-9_]+\}", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_SETTING: Final = "v1"
"""What a setting is that stands for part of a path."""
_HOST_VARIABLE: Final = re.compile(r"http://\$\{([A-Z_][A-Z0-9_]*)\}(?=/|$)")


def path_of(one: Operation, catalog: CheckedCatalog) -> str:
    """The path template that an API is served under: what its base URL has after the host, and its own."""
    prefix = _ORIGIN.sub("", _base_url(one, catalog), count=1).strip("/")
    prefix = _VARIABLE.sub("{}", prefix)  # whatever the setting says
    return (f"/{prefix}" if prefix else "") + one.path


def path_of_url(url: str) -> str:
    """The path that a token endpoint is served under."""
    path = _VARIABLE.sub(_SETTING, _ORIGIN.sub("", url, count=1))
    return path if path.startswith("/") else f"/{path}"


def environment(catalog: CheckedCatalog, url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings with which a generated server reaches the stand-in at `url` and is let in.

    Credentials are those in `environ` where they are set, else placeholders; the stand-in accepts the same.
    """
    settings: dict[str, str] = {}
    for one in catalog.active:
        for base_url in _urls(one, catalog):
            inner = _VARIABLE.findall(_ORIGIN.sub("", base_url, count=1))
            settings |= {name: environ.get(name) or _SETTING for name in inner}
            if variable := _leads(base_url):
                settings[variable] = url.partition("://")[2] if _HOST_VARIABLE.match(base_url) else url
        for auth in catalog.auths_of(one):
            settings |= {name: access.credential(name, environ) for name in access.variables(auth)}
    return dict(sorted(settings.items()))


def out_of_reach(catalog: CheckedCatalog) -> Iterator[str]:
    """The active APIs that no setting leads to the stand-in, since their URL, or that of their tokens, is written."""
    for one in catalog.active:
        if not all(_leads(url) for url in _urls(one, catalog)):
            yield one.api.name


def _leads(base_url: str) -> str:
    """The variable that says which host a base URL means; empty where none does."""
    match = _HOST_VARIABLE.match(base_url) or re.match(_VARIABLE.pattern + "(?!:)", base_url)
    return match[1] if match else ""


def _urls(one: Operation, catalog: CheckedCatalog) -> list[str]:
    """The base URL of an API, and where the tokens that it asks for are issued."""
    auths = catalog.auths_of(one)
    return [_base_url(one, catalog), *(auth.token_url for auth in auths if isinstance(auth, OAuth2ClientCredentials))]


def _base_url(one: Operation, catalog: CheckedCatalog) -> str:
    return one.base_url or catalog.gateways[one.gateway].base_url
