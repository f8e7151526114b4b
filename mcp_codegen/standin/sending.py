"""Replies, as messages of ASGI: whole, or piece by piece."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from mcp_codegen.standin.messages import Reply, Stream

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NO_CONTENT = 204


async def send_reply(reply: Reply, send: Send, *, with_body: bool) -> None:
    """Send a reply that is there as a whole."""
    content = b"" if reply.status == NO_CONTENT else reply.encoded()
    headers = _encoded(reply.headers)
    if content:
        headers += [
            (b"content-type", reply.media_type.encode("latin-1", "replace")),
            (b"content-length", str(len(content)).encode()),
        ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": content if with_body else b""})


async def send_stream(reply: Reply, stream: Stream, send: Send, transport: asyncio.Transport | None) -> None:
    """Send a body piece by piece, until nobody listens. transport: the connection, where the server tells it."""
    await asyncio.sleep(stream.wait)
    headers = [*_encoded(reply.headers), (b"content-type", reply.media_type.encode("latin-1", "replace"))]
    if stream.length is not None:
        headers.append((b"content-length", str(stream.length).encode()))
    begun = False
    async for piece in stream.pieces():
        if transport and transport.is_closing():
            return
        if not begun:
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        begun = True
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if not stream.breaks:
        await send({"type": "http.response.body", "body": b""})
    elif transport:
        await _cut(transport, at_once=not begun)


async def _cut(transport: asyncio.Transport, *, at_once: bool) -> None:
    """End the connection: by a reset, or after what was written."""
    if at_once and (connection := transport.get_extra_info("socket")):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
