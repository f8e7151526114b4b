"""Where APIs live, and what is asked of those who call them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mcp_codegen.catalog import ApiKey, NoAuth, OAuth2ClientCredentials
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.errors import Pointer, Problem, shown

_VARIABLE: Final = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")
_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
_LAST_PORT: Final = 65535
PATH: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
"""Of a URL, as RFC 3986 has it."""
_GATEWAY_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


def check(catalog: CheckedCatalog) -> Iterator[Problem]:
    """Every gateway has a usable name and URL, and credentials that do not stand in each other's way."""
    constants: dict[str, str] = {}
    for name, gateway in catalog.gateways.items():
        where: Pointer = ("gateways", name)
        if not _GATEWAY_NAME.fullmatch(name):
            yield Problem(
                where, f"{shown(name)} cannot be a gateway's name", "use letters, digits, '-' and '_'", at_key=True
            )
        folded = name.casefold().replace("-", "_")
        if constants.setdefault(folded, name) != name:
            yield Problem(
                where, f"{shown(name)} and {shown(constants[folded])} are too alike", "rename one", at_key=True
            )
        yield from base_url(gateway.base_url, (*where, "baseUrl"))
        yield from auths(gateway.auth, (*where, "auth"))


def base_url(url: str, pointer: Pointer) -> Iterator[Problem]:
    """What is wrong with a URL that requests start with; said without it: a credential may stand in it."""
    filled = _VARIABLE.sub("0", url)  # what a host and a port may both hold
    if "$" in filled or "{" in filled:
        yield Problem(pointer, "a variable is not written as one", "write it as ${NAME}, in capitals")
        return
    scheme, _, rest = (f"https://{filled}" if url.startswith("${") else filled).partition("://")
    host, _, path = rest.partition("/")
    if "@" in host:
        hint = "use an auth of type basic; secrets stay in the environment"
        yield Problem(pointer, "a user or a password stands in the URL", hint)
    elif "?" in rest or "#" in rest:
        yield Problem(pointer, "a base URL has no query and no fragment", "keep the part before '?' and '#'")
    elif scheme.lower() not in ("http", "https") or not _is_host(host):
        hint = "write ${VARIABLE}, or a URL such as https://api.example.com/v1"
        yield Problem(pointer, "this is not an http(s) URL with a host", hint)
    elif not PATH.fullmatch(f"/{path}"):
        yield Problem(pointer, "the path holds characters that a URL cannot have", "percent-encode them")


def _is_host(host: str) -> bool:
    name, _, port = host.rpartition(":") if re.search(r":\d*$", host) else (host, "", "0")
    return _HOST.fullmatch(name) is not None and len(port) <= 5 and int(port or 0) <= _LAST_PORT  # noqa: PLR2004


def auths(asked: Sequence[object], pointer: Pointer) -> Iterator[Problem]:
    """What is wrong with credentials: they are needed together, so no two may want the same place."""
    taken: set[str] = set()
    for index, auth in enumerate(asked):
        place = f"{auth.in_} {auth.name.lower()}" if isinstance(auth, ApiKey) else "header authorization"
        if isinstance(auth, NoAuth) and len(asked) > 1:
            yield Problem((*pointer, index), "'none' stands beside others", "remove it, or the others")
        elif place in taken:
            yield Problem((*pointer, index), "two credentials stand in the same place", "keep one")
        taken.add(place)
        if isinstance(auth, OAuth2ClientCredentials):
            yield from base_url(auth.token_url, (*pointer, "tokenUrl"))
