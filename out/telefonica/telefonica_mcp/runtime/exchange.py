"""One request and the whole of its answer, no larger than is passed on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import httpx

from ..errors import AnswerTooLarge, NotJson, Unreachable
from .masking import masked
from .unpacking import Unpacker

SHORTEST_SECRET = 6
"""Shorter ones are left in successful answers: they would be found everywhere."""
MAX_ANSWER_BYTES = 256_000
"""Some hosts refuse results above 1 MiB, and no model reads that much. A gateway's limits may say otherwise."""
ENCODINGS = ("", "identity", "gzip", "deflate")
"""One at a time: a small answer packed twice could unpack to more than the memory there is."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What is read of an answer: status, headers by their names in lower case, and the body.

    A failure may have more of a body.
    """

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Ours, which are masked in it."""

    @property
    def content_type(self) -> str:
        """The media type that the body is said to have, with its parameters."""
        return self.headers.get("content-type", "")

    @property
    def retry_after(self) -> str:
        """When the upstream wants to be asked again, in its own words."""
        return self.headers.get("retry-after", "")

    def without(self, secrets: tuple[str, ...]) -> RawAnswer:
        """The answer with our own secrets masked, should the upstream echo them."""
        ok = httpx.codes.is_success(self.status)
        found = tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET or not ok)
        told = {name: masked(value.encode(), secrets).decode() for name, value in self.headers.items()}
        return replace(self, content=masked(self.content, found), headers=told, secrets=found)


async def exchange(
    http: httpx.AsyncClient,
    request: httpx.Request,
    variables: Sequence[str],
    who: str = "The API",
    most: int = MAX_ANSWER_BYTES,
) -> RawAnswer:
    """Send the request, read the answer. Raises `ApiError`.

    variables: the settings that say where it goes. most: bytes of an answer that is read to its end.
    """
    try:
        response = await http.send(request, stream=True)
        try:
            content = await _read(response, who, most)
        finally:
            await response.aclose()
    except httpx.TransportError as error:
        base = " and ".join(variables) or "the catalog's base URL"
        hint = f"Check {base}, the network and, behind a proxy, HTTPS_PROXY."
        whom = f"{who[0].lower()}{who[1:]} at {request.url.host}"
        raise Unreachable(f"The connection to {whom} could not be opened, or broke.", hint) from error
    return RawAnswer(response.status_code, content, dict(response.headers))


async def _read(response: httpx.Response, who: str, most: int) -> bytes:
    """The body; of a failure, as much as there is to tell. Raises `ApiError`."""
    content = bytearray()
    try:
        async for chunk in _unpacked(response):
            content += chunk
            if len(content) > most:
                break
    except httpx.DecodingError as error:
        if response.is_success:
            hint = "Tell the API's owners."
            status = response.status_code
            raise NotJson(f"{who}'s answer could not be decompressed.", hint, status=status) from error
    if len(content) > most and response.is_success:
        size = f"{most // 1000} kB"
        hint = "Ask for less of it."
        raise AnswerTooLarge(f"{who}'s answer is larger than {size}.", hint, status=response.status_code)
    return bytes(content[:most])


async def _unpacked(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body, a piece at a time: however small it is packed, no piece is large. Raises `httpx.DecodingError`."""
    encoding = response.headers.get("content-encoding", "").lower()
    if encoding not in ENCODINGS:
        raise httpx.DecodingError("This is not an encoding that was asked for.")
    if encoding in ("", "identity"):
        async for chunk in response.aiter_raw():
            yield chunk
        return
    unpacker = Unpacker()
    async for packed in response.aiter_raw():
        for chunk in unpacker.unpack(packed):
            yield chunk
    unpacker.end()
