"""One safe way to call the APIs behind a gateway: one request, one answer or one error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
from mcp.server.mcpserver import Context
from pydantic_core import to_json

from ..errors import AnswerTooLarge, InvalidArguments, NotJson, TimedOut, Unreachable
from .answers import RawAnswer, checked
from .context import Answer, Upstream
from .credentials import OPEN, Credential
from .settings import variables_of
from .wire import fill, header_values, present, query_string

MAX_ANSWER_BYTES = 256_000
"""Some hosts refuse results above 1 MiB, and no model reads that much."""
ENCODINGS = ("", "identity", "gzip", "deflate")
"""One at a time: a small answer packed twice could unpack to more than the memory there is."""
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a family of APIs lives, what it asks of its callers, and how long a call may take.

    `base_url` names settings as `${VARIABLE}`. `timeout`: seconds; the setting `timeout_variable` overrides it.
    """

    base_url: str
    credential: Credential = OPEN
    timeout: float = 30.0
    timeout_variable: str = ""

    async def send(
        self,
        ctx: Context[Upstream],
        method: str,
        path: str,
        returns: Any,  # noqa: ANN401 - a type
        *,
        at: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        credential: Credential | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - seconds, of the API's own
        wrapped: bool = False,
    ) -> Answer[Any]:
        """Send one request and check the answer against its type. Raises `ApiError`, which is safe to show.

        `at` fills the path's placeholders. Arguments that were not given are left out everywhere.
        """
        upstream = ctx.request_context.lifespan_context
        used = credential or self.credential
        upstream.settings.require_all(variables_of(self.base_url) + used.variables)
        carried = used.read(upstream.settings)
        url = (
            upstream.settings.url(self.base_url)
            + fill(path, at or {})
            + query_string({**(query or {}), **carried.query})
        )
        try:
            request = upstream.http.build_request(
                method,
                url,
                headers=header_values(headers or {}) | carried.headers | ({} if body is None else JSON),
                content=None if body is None else to_json(present(body)),
            )
        except httpx.InvalidURL as error:
            raise InvalidArguments("Nothing was sent: the arguments make the URL too long.", "Pass less.") from error
        seconds = timeout or upstream.settings.seconds(self.timeout_variable, self.timeout)
        answer = await self._exchange(upstream.http, request, seconds, is_own=timeout is not None)
        return Answer(checked(answer.without(carried.secrets), returns, used.variables), wrapped)

    async def _exchange(
        self, http: httpx.AsyncClient, request: httpx.Request, seconds: float, *, is_own: bool
    ) -> RawAnswer:
        """The whole answer within the time. Raises `ApiError`."""
        try:
            with anyio.fail_after(seconds):
                response = await http.send(request, stream=True)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            hint = f"Try again, or raise {'its timeoutSeconds in the catalog' if is_own else self.timeout_variable}."
            raise TimedOut(f"The API gave no complete answer within {seconds:g} seconds.", hint) from error
        except httpx.TransportError as error:
            where = request.url.host
            base = " and ".join(variables_of(self.base_url)) or "the catalog's base URL"
            hint = f"Check {base}, the network and, behind a proxy, HTTPS_PROXY."
            raise Unreachable(f"The connection to the API at {where} could not be opened, or broke.", hint) from error
        kind, retry_after = response.headers.get("content-type", ""), response.headers.get("retry-after", "")
        return RawAnswer(response.status_code, content, kind, retry_after)


async def _read(response: httpx.Response) -> bytes:
    """The body; of a failure, as much as there is to tell. Raises `ApiError`."""
    content = bytearray()
    try:
        async for chunk in _unpacked(response):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                break
    except httpx.DecodingError as error:
        if response.is_success:
            hint = "Tell the API's owners."
            status = response.status_code
            raise NotJson("The API's answer could not be decompressed.", hint, status=status) from error
    if len(content) > MAX_ANSWER_BYTES and response.is_success:
        size = f"{MAX_ANSWER_BYTES // 1000} kB"
        hint = "Ask for less of it."
        raise AnswerTooLarge(f"The API's answer is larger than {size}.", hint, status=response.status_code)
    return bytes(content[:MAX_ANSWER_BYTES])


async def _unpacked(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.headers.get("content-encoding", "").lower() not in ENCODINGS:
        raise httpx.DecodingError("This is not an encoding that was asked for.")
    async for chunk in response.aiter_bytes():
        yield chunk
