"""Documents of other servers, read only where `--allow-remote` asks for it.

A description decides what is asked for, so it could have this machine ask servers that its author cannot reach. Hence:
http and https alone, no credentials, no proxy, no other server by a redirect; the address that was checked is the one
that is asked; link-local addresses, where clouds keep their machines' credentials, never; and a document that came from
a public server may only refer to public ones. A description on this machine may refer to servers of its own network,
since a person chose it. Size, time and number are bounded.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx

from mcp_codegen.errors import CatalogError, Diagnostic, shown
from mcp_codegen.importers.references import RefusedError

MAX_BYTES = 16_000_000
MAX_DOCUMENTS = 100
TIMEOUT = 20.0
"""Seconds for one document, from connecting to its last byte."""
_PORTS = {"http": 80, "https": 443}
_MOVES = 4
_METADATA = frozenset({"fd00:ec2::254", "168.63.129.16"})
"""What clouds tell their machines, at addresses that are not link-local."""
_SAVE = "save the document beside the description"


def is_url(key: str) -> bool:
    """Whether a document's key is a URL, and no path."""
    return "://" in key


def fetch(url: str, referrer: str = "", timeout: float = TIMEOUT) -> bytes:
    """A remote document. referrer: the key of the document that refers to it.

    Raises `RefusedError` for what may not be asked, and `CatalogError` for what cannot be had: no such server, another
    status than 200, too slow, too large.
    """
    started = time.monotonic()
    server = _server(url)
    public = is_url(referrer) and _server(referrer) != server
    for _ in range(_MOVES):
        if _server(url) != server or urlsplit(url).username is not None:
            raise RefusedError(f"{shown(url)} is on another server, or is no plain http or https URL", _SAVE)
        address = _address(url, public=public)
        try:
            moved, content = _answer(url, address, started, timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreadable(url, type(error).__name__) from error
        if not moved:
            return content
        url = urljoin(url, moved)
    raise _unreadable(url, "it moves on and on")


def _server(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises `RefusedError` where there is no such thing."""
    try:
        parts = urlsplit(url)
        found = parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        found = "", "", 0
    if found[0] not in _PORTS or not found[1]:
        raise RefusedError(f"{shown(url)} is no http or https URL", _SAVE)
    return found


def _unreadable(url: str, why: str) -> CatalogError:
    return CatalogError([Diagnostic(shown(url), 1, 1, "$", f"cannot be fetched: {why}", _SAVE)])


def _answer(url: str, address: str, started: float, timeout: float) -> tuple[str, bytes]:
    """Where the document moved to, or its bytes."""
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    direct = parts._replace(netloc=f"[{address}]:{port}" if ":" in address else f"{address}:{port}").geturl()
    headers = {"Host": parts.netloc, "Accept": "application/json, application/yaml, */*;q=0.5"}
    with httpx.Client(trust_env=False, follow_redirects=False, timeout=timeout) as client:
        extensions = {"sni_hostname": parts.hostname} if parts.scheme == "https" else {}
        request = client.build_request("GET", direct, headers=headers, extensions=extensions)
        response = client.send(request, stream=True)
        try:
            if response.is_redirect:
                return response.headers.get("Location", ""), b""
            if response.status_code != httpx.codes.OK:
                raise _unreadable(url, f"the server answers {response.status_code}")
            return "", b"".join(_bounded(response, url, started, timeout))
        finally:
            response.close()


def _bounded(response: httpx.Response, url: str, started: float, timeout: float) -> Iterator[bytes]:
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > MAX_BYTES:
            raise _unreadable(url, f"it is larger than {MAX_BYTES // 1_000_000} MB")
        if time.monotonic() - started > timeout:
            raise _unreadable(url, f"it takes longer than {timeout:g} s")
        yield chunk


def _address(url: str, *, public: bool) -> str:
    """One of the host's addresses, each of which may be asked. Raises `RefusedError`, `CatalogError`."""
    _, host, port = _server(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _unreadable(url, "there is no such server") from error
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for address in addresses:
        ip = ipaddress.ip_address(address)
        plain = getattr(ip, "ipv4_mapped", None) or ip
        own = plain.is_loopback or (plain.is_private and not plain.is_link_local and not plain.is_unspecified)
        if address in _METADATA or plain.is_multicast or not (plain.is_global or (own and not public)):
            raise RefusedError(f"the server {shown(host)} may not be asked: its address is {address}", _SAVE)
    return addresses[0]
