"""What callers may take: requests in a second, requests at a time, bytes of a request, and time to send it."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_codegen.orchestrator.service.problems import Refusal

MOST_CALLERS = 10_000
"""Whose buckets are remembered: who was not seen for longest starts with a full one again."""
PATIENCE_SECONDS = 30.0
"""How long a request's body may take; of an uploaded file, its next part."""
UPLOADS = "multipart/form-data"
TAKE_FILES = ("/batches", "/ui/batches")
"""The paths that files are uploaded to; nothing of them is read before it is known who sends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is taken."""

    rate: float = 100.0
    """Requests in a second of one caller, or of one address where the caller is unknown."""
    burst: int = 200
    """Requests of one caller at once, after a pause."""
    at_a_time: int = 32
    """Requests of one caller at a time; streams of events count."""
    in_all: int = 200
    """Requests of all callers at a time."""
    body: int = 2_000_000
    """Bytes of a request."""
    upload: int = 200_000_000
    """Bytes of an uploaded file, with what is around it."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    moment: float
    open: int = 0


@dataclass(slots=True)
class Throttle:
    """Counts requests by caller: a token bucket for each."""

    limits: Limits
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def take(self, who: str) -> None:
        """Count one request. Raises `Refusal` (429), which says when to come back."""
        bucket, now = self._bucket(who), time.monotonic()
        bucket.tokens = min(self.limits.burst, bucket.tokens + (now - bucket.moment) * self.limits.rate)
        bucket.moment = now
        if bucket.tokens < 1:
            seconds = math.ceil((1 - bucket.tokens) / self.limits.rate)
            raise _too_many(f"more than {self.limits.rate:g} requests in a second", seconds)
        bucket.tokens -= 1

    @contextmanager
    def held(self, who: str) -> Iterator[None]:
        """Count a request that is being answered. Raises `Refusal` (429)."""
        bucket = self._bucket(who)
        if bucket.open >= self.limits.at_a_time:
            raise _too_many(f"more than {self.limits.at_a_time} requests at a time", 1)
        bucket.open += 1
        try:
            yield
        finally:
            bucket.open -= 1

    def _bucket(self, who: str) -> _Bucket:
        if who not in self._buckets and len(self._buckets) >= MOST_CALLERS:
            self._buckets.popitem(last=False)
        bucket = self._buckets.setdefault(who, _Bucket(self.limits.burst, time.monotonic()))
        self._buckets.move_to_end(who)
        return bucket


class RequestLimits:
    """Middleware: so many requests at a time in all, each of so many bytes that arrive in time."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is small and quick enough."""
        if scope["type"] != "http" or scope["path"] == "/healthz":
            return await self._app(scope, receive, send)
        if self._open >= self._limits.in_all:
            raise Refusal(503, "the service is answering as much as it can", code="busy", headers={"Retry-After": "1"})
        headers = Headers(scope=scope)
        upload = scope["path"] in TAKE_FILES and headers.get("content-type", "").lower().startswith(UPLOADS)
        most, read = self._limits.upload if upload else self._limits.body, 0
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > most:
            raise _too_large(most)

        clock = asyncio.get_running_loop().time
        ends = 0.0

        async def bounded() -> Message:
            nonlocal read, ends
            if read < 0:
                return await receive()
            if upload or not ends:
                ends = clock() + PATIENCE_SECONDS
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError as error:
                raise Refusal(
                    408, "the request did not arrive in time", hint="send it again", headers={"Connection": "close"}
                ) from error
            read += len(message.get("body", b""))
            if read > most:
                raise _too_large(most)
            if not message.get("more_body", False):
                read = -1  # what comes next is that the client leaves
            return message

        self._open += 1
        try:
            return await self._app(scope, bounded, send)
        finally:
            self._open -= 1


def _too_large(most: int) -> Refusal:
    """What is still on its way is read and thrown away: who is sending hears nothing yet."""
    return Refusal(
        413,
        f"the request is larger than {most:,} bytes",
        hint="upload large batches as a file (multipart/form-data), or in parts under one batch's name",
    )


def _too_many(what: str, seconds: int) -> Refusal:
    return Refusal(429, what, hint="the header Retry-After says when", headers={"Retry-After": str(max(1, seconds))})
