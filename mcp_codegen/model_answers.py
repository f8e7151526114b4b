"""How answers of a language model's service are read: as much of them, and for as long, as an answer may take.

Imported where one is asked: the client's library takes a second.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx2
import openai

SECONDS: Final = 180.0
"""From the request to the end of the answer."""
LARGEST: Final = 4_000_000
"""Bytes of an answer."""
_UNSENT: Final = (
    httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.WriteError, httpx2.WriteTimeout,
    httpx2.ProxyError, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError,
)  # fmt: skip
"""After these no service has the whole request."""


class LostAnswerError(openai.OpenAIError):
    """The request was sent, and there is no answer to it that could be read. It may have to be paid for.

    The client's library passes its own errors on, and repeats nothing.
    """


class BoundedClient(openai.DefaultAsyncHttpxClient):
    """Reads answers within bounds. Follows no redirect: what is asked is for the service alone that was named."""

    def __init__(self) -> None:
        super().__init__(timeout=SECONDS, follow_redirects=False, headers={"Accept-Encoding": "identity"})

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # noqa: ANN401 - httpx's own
        """The whole answer. Raises `LostAnswerError`, and httpx's errors where nothing was sent."""
        options["stream"] = True
        try:
            async with asyncio.timeout(SECONDS):
                response = await super().send(request, **options)
                try:
                    content = await _content(response)
                finally:
                    await response.aclose()
        except _UNSENT:
            raise
        except (httpx2.TransportError, httpx2.StreamError) as error:
            raise LostAnswerError(f"the answer broke off ({type(error).__name__})") from error
        except TimeoutError as error:
            raise LostAnswerError(f"there was no whole answer within {SECONDS:g} seconds") from error
        return httpx2.Response(response.status_code, headers=response.headers, content=content, request=request)


async def _content(response: httpx2.Response) -> bytes:
    """Raises `LostAnswerError`."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise LostAnswerError("the answer is compressed, which was not asked for")
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > LARGEST:
            raise LostAnswerError(f"the answer is longer than {LARGEST // 1_000_000} MB")
    return bytes(content)
