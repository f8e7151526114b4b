"""What people get wrong in a base URL, told without showing it: it may be a secret in the wrong place."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ...errors import NotConfigured
from ..settings import Settings
from .findings import Finding, problem, warning

EXAMPLE = "https://api.example.com"
APIM = "The gateway of Azure API Management is https://NAME.azure-api.net, or the domain that was put before it."
_RESERVED = re.compile(r"(?:^|\.)example(?:\.com|\.net|\.org)?$")
_AZURE = {
    r"(?:portal|ai|oai)\.azure\.com": "a portal for people",
    r".+\.(?:developer|portal)\.azure-api\.net": "a portal for developers",
    r".+\.(?:management|scm)\.azure-api\.net|management\.azure\.com": "where Azure is administered",
    r"login\.microsoftonline\.com|login\.windows\.net": "where Azure issues tokens",
    r".+\.(?:openai|cognitiveservices|services\.ai)\.azure\.com": "an Azure OpenAI endpoint, for language models",
}
"""Hosts of Azure that are no gateway of APIs."""


def wrong(name: str, value: str, prefix: str, *, issues_tokens: bool = False) -> Iterator[Finding]:
    """What is wrong with the URL in a setting. prefix: what the path of every endpoint begins with."""
    found = _malformed(name, value)
    if found:
        yield found
        return
    url = urlsplit(value)
    host = (url.hostname or "").rstrip(".")
    if _RESERVED.search(host):
        yield problem(f"{name} still holds the placeholder of the example.", f"Set it to the base URL, like {EXAMPLE}.")
        return
    if url.scheme == "http" and not _is_loopback(host):
        yield warning(f"{name} is http: credentials go over the network in the clear.", "Use https, if the API has it.")
    if issues_tokens:
        return
    kind = next((kind for pattern, kind in _AZURE.items() if re.fullmatch(pattern, host)), "")
    if kind and not prefix.startswith("openai"):
        yield problem(f"{name} is {kind} ({host}), and no gateway of APIs.", APIM)
    base = url.path.strip("/").split("/")
    if _repeats(base):
        yield warning(f"{name} has the same path twice.", "Write it once, unless the API really has it twice.")
    elif _meets(base, prefix.split("/")):
        remedy = f"Leave it out of {name}, unless the API really has it twice."
        yield warning(f"{name} ends with what the path of every endpoint begins with: calls have it twice.", remedy)


def _malformed(name: str, value: str) -> Finding | None:
    """The first thing that makes it no base URL."""
    scheme, has_scheme, rest = value.partition("://")
    begin = f"Begin it with https://, like {EXAMPLE}."
    checks = (
        (not has_scheme, "has no scheme", begin),
        ("://" in rest.split("?")[0], "has two schemes", f"Write https:// once, like {EXAMPLE}."),
        (scheme.lower() not in ("http", "https"), "has a scheme other than http and https", begin),
        (
            "@" in rest.partition("/")[0],
            "holds a user or a password",
            "Remove it: credentials have their own settings.",
        ),
        ("?" in rest or "#" in rest, "holds a query or a fragment", "Remove it, from the ? or # on."),
    )
    for is_wrong, said, remedy in checks:
        if is_wrong:
            return problem(f"{name} {said}.", remedy)
    try:
        Settings({name: value}).url(f"${{{name}}}")
    except NotConfigured as error:
        return problem(error.message, error.hint)
    return None


def _repeats(base: list[str]) -> bool:
    """Whether the path's end stands before itself: `/v1/v1`."""
    return any(base[-size:] == base[-2 * size : -size] for size in range(1, len(base) // 2 + 1))


def _meets(base: list[str], endpoints: list[str]) -> bool:
    """Whether the end of the base path is the beginning of the endpoints', or holds all of it."""
    tails = (base[start:] for start in range(len(base)) if base[start])
    return any(tail[: len(endpoints)] == endpoints[: len(tail)] for tail in tails)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
