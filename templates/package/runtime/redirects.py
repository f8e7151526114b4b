"""Redirects of an upstream: followed only where the catalog says so, on the gateway's own server and below its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import httpx

from .exchange import RawAnswer
from .wire import climbs, query_string

Redirects = Literal["none", "sameOrigin"]
MOST = 5
"""One after the other."""
_SEE_OTHER = 303
_ANY_METHOD = frozenset({307, 308})
_READING = frozenset({301, 302, _SEE_OTHER})
"""What GET and HEAD may follow too. That others become GET by 301 and 302 is a custom (RFC 9110, section 15.4.2)."""
_OF_THE_BODY = frozenset({"content-length", "content-type", "transfer-encoding"})


def onward(
    http: httpx.AsyncClient, request: httpx.Request, answer: RawAnswer, base_url: str, own: Mapping[str, str]
) -> httpx.Request | None:
    """The request that a redirect asks for; None for one that is not followed, and for any other answer.

    base_url: of the gateway. own: the credential's parameters in the query, which a redirect seldom repeats.
    """
    method = _method(request.method, answer.status)
    location = target(str(request.url), answer.headers.get("location", "")) if method else None
    if location is None or outside(location, base_url):
        return None
    kept = {name: value for name, value in own.items() if name not in location.params}
    url = str(location.copy_with(fragment=None))
    url += query_string(kept).replace("?", "&" if location.query else "?", 1)
    same = method == request.method
    headers = [pair for pair in request.headers.multi_items() if same or pair[0] not in _OF_THE_BODY]
    return http.build_request(method, url, headers=headers, content=request.content if same else None)


def target(url: str, location: str) -> httpx.URL | None:
    """Where a Location header leads that came from a URL; None for none, and for what is no URL."""
    try:
        named = httpx.URL(location)
        where = httpx.URL(url).join(named)
        leads = location and where.host and (named.host or not named.scheme)
    except (httpx.InvalidURL, ValueError):
        return None
    return where if leads else None


def outside(url: httpx.URL, base_url: str) -> str:
    """Where a URL leads that is not one of a gateway's own; empty for its own."""
    base = httpx.URL(base_url)
    if (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port) or url.userinfo:
        return "to another host"
    path = url.raw_path.decode("ascii").partition("?")[0]
    if climbs(path) or not f"{url.path}/".startswith(f"{base.path.rstrip('/')}/"):
        return "out of the gateway's base path"
    return ""


def _method(method: str, status: int) -> str:
    """The method of the request that follows; empty where none does (RFC 9110, section 15.4)."""
    if status in _ANY_METHOD or (status in _READING and method in ("GET", "HEAD")):
        return method
    return "GET" if status == _SEE_OTHER else ""
