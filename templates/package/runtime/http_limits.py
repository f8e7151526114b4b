"""What a client of the HTTP server may take: the size of a request, and the time that it takes to send one."""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_BODY_BYTES = 4 * 1024 * 1024
UNREAD = 3
"""Keep-alive times in which an answer is to be read."""


class _TooLargeError(Exception):
    """The request is larger than is taken."""


class RequestLimits:
    """Reads a request whole before the application sees it, and refuses in words what is too large or too slow."""

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a POST with its body; there is nothing else here, neither a stream to listen to nor a session."""
        if scope["method"] != "POST":
            refusal = _refusal(405, "Only POST is answered here.", "Speak MCP over Streamable HTTP.", Allow="POST")
            return await refusal(scope, receive, send)
        try:
            async with asyncio.timeout(self._seconds):
                body = await _body(scope, receive)
        except _TooLargeError:
            message = f"The request is larger than {MAX_BODY_BYTES // 1024} KiB."
            return await _refusal(413, message, "Send less in one call.")(scope, receive, send)
        except TimeoutError:
            message = f"The request was not sent whole within {self._seconds:g} seconds."
            return await _refusal(408, message, "Send it again.", Connection="close")(scope, receive, send)
        if body is None:
            return None
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        try:
            return await self._app(scope, replay, send)
        except (
            asyncio.CancelledError
        ):  # the server is being stopped, and the grace is over: uvicorn cancels for no more
            message = "The server was stopped before the call had ended."
            hint = "What it was to do may be done; look before you call again."
            return await _refusal(503, message, hint, Connection="close")(scope, receive, send)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The request's body; None when the client has left."""
    declared = Headers(scope=scope).get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > MAX_BODY_BYTES:
        raise _TooLargeError
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _TooLargeError
        if not message.get("more_body", False):
            return bytes(body)


class Unambiguous:
    """An application that gets no request which a proxy before it may have read otherwise: as another, or another's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse two lengths (RFC 9112, section 6.1) and two credentials, and hang up."""
        names = [name for name, _ in scope.get("headers", ())]
        refuse = partial(_refusal, 400, Connection="close")
        if b"content-length" in names and b"transfer-encoding" in names:
            refused = refuse("The request says twice how long it is.", "Send Content-Length or Transfer-Encoding.")
            return await refused(scope, receive, send)
        if names.count(b"authorization") > 1:
            refused = refuse("The request says twice who sends it.", "Send one Authorization header.")
            return await refused(scope, receive, send)
        return await self._app(scope, receive, send)


def _refusal(status: int, message: str, hint: str, **headers: str) -> JSONResponse:
    """In words. Without `Connection: close` what is still on its way is read: who is sending hears nothing yet."""
    return JSONResponse({"error": {"message": message, "hint": hint}}, status, headers)


class PromptProtocol(H11Protocol):
    """uvicorn's, and it hangs up on who does not send a request's head within the keep-alive time, or reads no answer.

    uvicorn bounds the time between requests, but would wait for ever for the rest of a line, and for a client to read.
    """

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has come."""
        super().connection_made(transport)
        self._mind()

    def data_received(self, data: bytes) -> None:
        """A part of a request has come."""
        super().data_received(data)
        self._mind()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        super().connection_lost(exc)
        self._stop()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._unread = self._give_up()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Hang up, also on who does not read what is left."""
        super().timeout_keep_alive_handler()
        self._give_up()

    def _give_up(self) -> asyncio.TimerHandle:
        return self.loop.call_later(UNREAD * self.timeout_keep_alive, self.transport.abort)

    def _mind(self) -> None:
        if not self._waits():
            self._stop()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.timeout_keep_alive, self._hang_up)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _waits(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _hang_up(self) -> None:
        self._deadline = None
        if self._waits() and not self.transport.is_closing():
            self.transport.close()
