"""Ways in which an upstream answers badly: each is what a real one, or an evil one, has been seen to do."""

from __future__ import annotations

import gzip
import html
import json
import zlib
from base64 import b64encode, urlsafe_b64encode
from email.utils import formatdate
from time import time
from typing import Any
from urllib.parse import quote

from tests.runtime.upstream import Answer, Peer, Received, response, success

WAF_PAGE = b"""<html><head><title>Request Rejected</title></head><body>The requested URL was rejected.
Please consult with your administrator.<br>Your support ID is: 1234567890</body></html>"""
LOGIN_PAGE = b"<!DOCTYPE html><html><body><h1>Portal de clientes</h1>Ingrese su clave</body></html>"


def fixed(content: bytes | str, status: str = "200 OK", *headers: str, kind: str = "application/json") -> Answer:
    whole = response(content if isinstance(content, bytes) else content.encode(), status, *headers, kind=kind)

    async def answer(_: Received, peer: Peer) -> None:
        await peer.send(whole)

    return answer


def changed(**members: Any) -> Answer:
    """A good answer with some of its members replaced."""

    async def answer(request: Received, peer: Peer) -> None:
        await peer.send(response(json.dumps(success(request) | members).encode()))

    return answer


def without(member: str) -> Answer:
    async def answer(request: Received, peer: Peer) -> None:
        left = {name: value for name, value in success(request).items() if name != member}
        await peer.send(response(json.dumps(left).encode()))

    return answer


def truncated(request: Received) -> bytes:
    return json.dumps(success(request)).encode()[:-20]


async def truncated_json(request: Received, peer: Peer) -> None:
    await peer.send(response(truncated(request)))


async def not_a_number(request: Received, peer: Peer) -> None:
    await peer.send(response(json.dumps(success(request) | {"customerId": float("nan")}).encode()))


async def broken_gzip(request: Received, peer: Peer) -> None:
    packed = gzip.compress(json.dumps(success(request)).encode())
    await peer.send(response(packed[:20] + b"\xff" * 20, "200 OK", "Content-Encoding: gzip"))


async def gzip_bomb(_: Received, peer: Peer) -> None:
    await peer.send(response(gzip.compress(b" " * 50_000_000), "200 OK", "Content-Encoding: gzip"))


async def gzip_bomb_in_gzip(_: Received, peer: Peer) -> None:
    packed = gzip.compress(gzip.compress(b" " * 50_000_000))
    await peer.send(response(packed, "200 OK", "Content-Encoding: gzip, gzip"))


async def unknown_encoding(_: Received, peer: Peer) -> None:
    await peer.send(response(zlib.compress(b"{}"), "200 OK", "Content-Encoding: zzz"))


async def slow_headers(_: Received, peer: Peer) -> None:
    await peer.until_gone()
    peer.close()


async def slow_body(request: Received, peer: Peer) -> None:
    """A byte now and then, so that no time between two bytes is ever long."""
    whole = response(json.dumps(success(request)).encode() + b" " * 10_000)
    for at in range(len(whole)):
        await peer.send(whole[at : at + 1])
        if await peer.until_gone(0.02):
            break
    peer.close()


async def reset_before(_: Received, peer: Peer) -> None:
    peer.reset()


async def closed_before(_: Received, peer: Peer) -> None:
    peer.close()


async def closed_in_the_middle(request: Received, peer: Peer) -> None:
    content = truncated(request)
    await peer.send(response(content, length=len(content) + 20))
    peer.close()


async def not_http(_: Received, peer: Peer) -> None:
    await peer.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    peer.close()


async def endless_body(_: Received, peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.send(b"4000\r\n" + b" " * 0x4000 + b"\r\n")


async def endless_failure(_: Received, peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await peer.send(b"4000\r\n" + b"<html>" + b" " * (0x4000 - 6) + b"\r\n")


async def sets_cookies(request: Received, peer: Peer) -> None:
    content = json.dumps(success(request)).encode()
    await peer.send(response(content, "200 OK", "Set-Cookie: session=4711; Path=/", "Set-Cookie: waf=1"))


def retry_after_date(seconds: int) -> str:
    return f"Retry-After: {formatdate(time() + seconds, usegmt=True)}"


def credentials(request: Received) -> str:
    """Whatever let the caller in, as it came."""
    return " ".join(request.header("authorization") + request.header("ocp-apim-subscription-key"))


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


ECHOES = {
    "plain": lambda given: given.encode(),
    "JSON with escaped slashes": lambda given: _escaped(given).replace("/", "\\/").encode(),
    "JSON with escaped signs": lambda given: "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in given).encode(),
    "percent-encoded": lambda given: quote(given, safe="").encode(),
    "percent-encoded in lower case": lambda given: "".join(
        c if c.isalnum() else f"%{ord(c):02x}" for c in given
    ).encode(),
    "HTML": lambda given: html.escape(given).encode(),
    "HTML with numbers": lambda given: "".join(c if c.isalnum() else f"&#{ord(c)};" for c in given).encode(),
    "upper case": lambda given: given.upper().encode(),
    "Base64": lambda given: b64encode(given.encode()),
    "Base64 of more than it, for URLs": lambda given: urlsafe_b64encode(f"k={given}&".encode()),
    "UTF-16": lambda given: given.encode("utf-16"),
}
"""Forms in which a request's header may stand in an answer's body."""


def echo(form: str, status: str = "401 Unauthorized") -> Answer:
    """An error page that shows the caller's credential."""

    async def answer(request: Received, peer: Peer) -> None:
        said = ECHOES[form](credentials(request))
        await peer.send(response(b'{"error":"denied","youSent":"' + said + b'"}', status))

    return answer


async def echo_in_content_type(request: Received, peer: Peer) -> None:
    await peer.send(response(b"hello", kind=f"text/{credentials(request)}"))


async def echo_in_location(request: Received, peer: Peer) -> None:
    await peer.send(response(b"", "302 Found", f"Location: /elsewhere?key={credentials(request)}"))


async def echo_in_a_success(request: Received, peer: Peer) -> None:
    """A debugging upstream that repeats the request's headers in a good answer."""
    content = json.dumps(success(request) | {"debug": {"sent": credentials(request)}}).encode()
    await peer.send(response(content))
