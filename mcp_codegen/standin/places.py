"""Where the stand-in takes the APIs' places: the paths that it serves, and the settings that lead a server to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.standin import access

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*|\$\{[A-Z0-9_]+\}", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_HOST_VARIABLE: Final = re.compile(r"http://\$\{([A-Z_][A-Z0-9_]*)\}(?=/|$)")


def path_of(one: Operation, catalog: CheckedCatalog) -> str:
    """The path template that an API is served under: what its base URL has after the host, and its own."""
    prefix = _ORIGIN.sub("", _base_url(one, catalog), count=1).strip("/")
    prefix = _VARIABLE.sub("{}", prefix)  # whatever the setting says
    return (f"/{prefix}" if prefix else "") + one.path


def environment(catalog: CheckedCatalog, url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings with which a generated server reaches the stand-in at `url` and is let in.

    Credentials are those in `environ` where they are set, else placeholders; the stand-in accepts the same.
    """
    settings: dict[str, str] = {}
    for one in catalog.active:
        base_url = _base_url(one, catalog)
        settings |= {name: environ.get(name) or "v1" for name in _VARIABLE.findall(_ORIGIN.sub("", base_url, count=1))}
        if variable := _leads(base_url):
            settings[variable] = url.partition("://")[2] if _HOST_VARIABLE.match(base_url) else url
        settings |= {name: access.credential(name, environ) for name in access.variables(catalog.auth_of(one))}
    return dict(sorted(settings.items()))


def out_of_reach(catalog: CheckedCatalog) -> Iterator[str]:
    """The active APIs that no setting leads to the stand-in, since their base URL is written out."""
    for one in catalog.active:
        if not _leads(_base_url(one, catalog)):
            yield one.api.name


def _leads(base_url: str) -> str:
    """The variable that says which host a base URL means; empty where none does."""
    match = _HOST_VARIABLE.match(base_url) or re.match(_VARIABLE.pattern + "(?!:)", base_url)
    return match[1] if match else ""


def _base_url(one: Operation, catalog: CheckedCatalog) -> str:
    return one.base_url or catalog.gateways[one.gateway].base_url
