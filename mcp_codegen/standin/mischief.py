"""What the stand-in does to a good answer when a fault asks for more than another status."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from mcp_codegen.standin.behaviour import Mischief
from mcp_codegen.standin.messages import JSON, Reply, Request, Stream

SLOW_SECONDS = 5.0
DRIP_SECONDS = 0.1
"""Between two bytes."""
DEPTH = 20_000
BOMB_BYTES = 128_000_000
"""Unpacked; some 130 kB on the wire."""
CHUNK = b" " * 65_536
ELSEWHERE = "http://elsewhere.invalid/"
FIREWALL_PAGE = (
    "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. "
    "Please consult with your administrator.<br>Your support ID is: 4711</body></html>"
)
OK, FOUND, BAD_REQUEST = 200, 302, 400


def misdeed(what: Mischief, reply: Reply, request: Request) -> Reply:
    """What becomes of the reply."""
    content = reply.encoded()
    streams = {
        "slow": Stream(lambda: _whole(content), length=len(content), wait=SLOW_SECONDS),
        "drip": Stream(lambda: _bytes_of(content), length=len(content)),
        "reset": Stream(_nothing, breaks=True),
        "truncated": Stream(lambda: _whole(content[: len(content) // 2]), length=len(content), breaks=True),
        "bomb": Stream(_bomb),
        "endless": Stream(_endless),
    }
    if what in streams:
        packed = {"Content-Encoding": "gzip"} if what == "bomb" else {}
        return replace(reply, content=streams[what], headers={**reply.headers, **packed})
    return _CHANGED[what](reply, request)


def _invalid(reply: Reply, _: Request) -> Reply:
    return replace(reply, content=reply.encoded()[:-1] + b",,")


def _deep(reply: Reply, _: Request) -> Reply:
    return replace(reply, content=b"[" * DEPTH + b"]" * DEPTH, media_type=JSON)


def _drift(reply: Reply, _: Request) -> Reply:
    """Each member is of another type than before, and there is one that nobody knows."""
    if isinstance(reply.content, dict):
        return replace(reply, content={key: _other(value) for key, value in reply.content.items()} | {"drifted": True})
    return replace(reply, content={"drifted": reply.content})


def _other(value: Any) -> Any:  # noqa: ANN401 - JSON
    return {"was": value} if not isinstance(value, dict) else [value]


def _echo(_: Reply, request: Request) -> Reply:
    """Everything that was sent, credentials included, as some upstreams do in their errors."""
    seen = {"method": request.method, "path": request.path, "query": request.raw_query, "headers": request.headers}
    return Reply(
        BAD_REQUEST, {"message": "bad request", "request": {**seen, "body": request.body.decode("utf-8", "replace")}}
    )


_CHANGED: Final[Mapping[str, Callable[[Reply, Request], Reply]]] = {
    "invalid-json": _invalid,
    "deep-json": _deep,
    "wrong-type": lambda _, __: Reply(OK, b"\x89PNG\r\n\x1a\n", {}, "image/png"),
    "drift": _drift,
    "waf": lambda _, __: Reply(OK, FIREWALL_PAGE, {}, "text/html; charset=utf-8"),
    "redirect": lambda _, request: Reply(
        FOUND, "", {"Location": f"{ELSEWHERE}{request.path.lstrip('/')}"}, "text/plain"
    ),
    "echo": _echo,
}


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _bytes_of(content: bytes) -> AsyncIterator[bytes]:
    for byte in content:
        yield bytes([byte])
        await asyncio.sleep(DRIP_SECONDS)


async def _bomb() -> AsyncIterator[bytes]:
    packer = zlib.compressobj(level=9, wbits=31)
    for _ in range(BOMB_BYTES // len(CHUNK)):
        if packed := packer.compress(CHUNK):
            yield packed
    yield packer.flush()


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"endless": "'
    while True:
        yield CHUNK
        await asyncio.sleep(0)
