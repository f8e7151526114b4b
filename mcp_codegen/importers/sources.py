"""Where documents come from: files under one root folder, and https servers that are not in a private network."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from mcp_codegen import source
from mcp_codegen.errors import CatalogError, Diagnostic, shown
from mcp_codegen.importers.references import Read, RefusedError
from mcp_codegen.source import Source

MAX_REMOTE_BYTES = 16_000_000
MAX_REMOTE_DOCUMENTS = 100
TIMEOUT = 20.0
"""Seconds for one remote document, from connecting to its last byte."""
_ENDINGS = (".json", ".yaml", ".yml")
_ALLOW = "read it with --allow-remote, or save it beside the description"


def main_file(spec: Path) -> Path:
    """The description's own file: the file itself, or the one in a folder that is a root. Raises `CatalogError`."""
    if not spec.is_dir():
        return spec
    files = sorted(path for path in spec.iterdir() if path.suffix.lower() in _ENDINGS and path.is_file())
    named = [path for path in files if path.stem.lower() in ("openapi", "swagger")]
    found = named or [path for path in files if _is_root(path)]
    if len(found) == 1:
        return found[0]
    said = "several descriptions stand in this folder" if found else "no description stands in this folder"
    hint = "name one of them: " + ", ".join(shown(path.name) for path in found[:5]) if found else "name a file"
    raise CatalogError([Diagnostic(str(spec), 1, 1, "$", said, hint)])


def _is_root(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(4_096)
    return any(word in start for word in (b"openapi", b"swagger"))


def reader(root: Path, shown_root: Path, *, allow_remote: bool) -> Read:
    """Reads documents by their keys: paths from the root folder, and URLs where they are allowed."""
    base = root.resolve()
    fetched: list[str] = []

    def read(key: str) -> Source:
        if "://" in key:
            if not key.startswith("https://"):
                raise RefusedError(f"{shown(key)} is not an https URL", "save the document beside the description")
            if not allow_remote:
                raise RefusedError(f"{shown(key)} is remote", _ALLOW)
            fetched.append(key)
            if len(fetched) > MAX_REMOTE_DOCUMENTS:
                raise RefusedError(
                    f"more than {MAX_REMOTE_DOCUMENTS} remote documents", "save them beside the description"
                )
            return source.parse(fetch(key), key)
        path = (base / key).resolve()
        if not path.is_relative_to(base):
            raise RefusedError(
                f"{shown(key)} stands outside of {shown(str(shown_root))}",
                "move it there, or name a folder around both with --root",
            )
        if path.exists() and not path.is_file():
            raise RefusedError(f"{shown(key)} is no file", "name a file")
        loaded = source.load(path)
        return Source(str(shown_root / key), loaded.text, loaded.data)

    return read


def fetch(url: str) -> bytes:
    """A remote document. Raises `RefusedError`: no https, a private address, too slow, too large, moved elsewhere."""
    started = time.monotonic()
    host = urlsplit(url).hostname or ""
    for _ in range(4):
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.hostname != host or parts.username is not None:
            raise RefusedError(
                f"{shown(url)} is on another server, or is not https", "save the document beside the description"
            )
        address = _public_address(host, parts.port or 443)
        try:
            moved, content = _answer(url, host, address, started)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RefusedError(f"{shown(url)} cannot be read: {type(error).__name__}", _ALLOW) from error
        if not moved:
            return content
        url = urljoin(url, moved)
    raise RefusedError(f"{shown(url)} moves on and on", "save the document beside the description")


def _answer(url: str, host: str, address: str, started: float) -> tuple[str, bytes]:
    """Where the document moved to, or its bytes. The address that was checked is the one that is asked."""
    parts = urlsplit(url)
    netloc = f"[{address}]" if ":" in address else address
    direct = parts._replace(netloc=f"{netloc}:{parts.port or 443}").geturl()
    headers = {"Host": parts.netloc, "Accept": "application/json, application/yaml, */*;q=0.5"}
    with httpx.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT) as client:
        request = client.build_request("GET", direct, headers=headers, extensions={"sni_hostname": host})
        response = client.send(request, stream=True)
        try:
            if response.is_redirect:
                return response.headers.get("Location", ""), b""
            if response.status_code != httpx.codes.OK:
                raise RefusedError(f"{shown(url)} answers {response.status_code}", "check the URL")
            return "", b"".join(_bounded(response, url, started))
        finally:
            response.close()


def _bounded(response: httpx.Response, url: str, started: float) -> Iterator[bytes]:
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > MAX_REMOTE_BYTES:
            raise RefusedError(f"{shown(url)} is larger than {MAX_REMOTE_BYTES // 1_000_000} MB", "save a smaller one")
        if time.monotonic() - started > TIMEOUT:
            raise RefusedError(
                f"{shown(url)} takes longer than {TIMEOUT:.0f} s", "save the document beside the description"
            )
        yield chunk


def _public_address(host: str, port: int) -> str:
    """One of the host's addresses, all of which must be public: no loopback, private or link-local network."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefusedError(f"the server {shown(host)} cannot be found", "check the URL") from error
    addresses = [str(one[4][0]).partition("%")[0] for one in found]
    for address in addresses:
        if not ipaddress.ip_address(address).is_global or ipaddress.ip_address(address).is_multicast:
            raise RefusedError(
                f"the server {shown(host)} is in a private network", "save the document beside the description"
            )
    return addresses[0]
