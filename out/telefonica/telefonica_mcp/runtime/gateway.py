"""One safe way to call the APIs behind a gateway: one request, one answer or one error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
import httpx
from mcp.server.mcpserver import Context

from ..errors import InvalidArguments, TimedOut
from .answers import JSON, checked
from .bodies import Body, Members
from .context import Answer, Upstream
from .credentials import OPEN, Carried, Credential
from .exchange import exchange
from .settings import variables_of
from .wire import cookie_header, fill, header_values, query_string

UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class _Request:
    """A request but for what its credential adds."""

    method: str
    url: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    cookies: Mapping[str, Any]
    content: bytes | None

    def build(self, http: httpx.AsyncClient, carried: Carried) -> httpx.Request:
        """The request as it goes out. Raises `InvalidArguments`."""
        url = self.url + query_string(self.query, carried.query)
        own = {name.lower() for name in carried.headers}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in own}
        headers |= carried.headers | cookie_header(self.cookies, carried.cookies)
        try:
            return http.build_request(self.method, url, headers=headers, content=self.content)
        except httpx.InvalidURL as error:
            raise InvalidArguments("Nothing was sent: the arguments make the URL too long.", "Pass less.") from error


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
        cookies: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | Body | None = None,
        credential: Credential | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - seconds, of the API's own
        accept: str = JSON,
        wrapped: bool = False,
    ) -> Answer[Any]:
        """Send one request and check the answer against its type. Raises `ApiError`, which is safe to show.

        `at` fills the path's placeholders; a body that is a mapping goes as a JSON object. Arguments that were not
        given are left out everywhere. `accept`: the media type of the answer.
        """
        upstream = ctx.request_context.lifespan_context
        used = credential or self.credential
        upstream.settings.require_all(variables_of(self.base_url) + used.variables)
        encoded = (Members(body) if isinstance(body, Mapping) else body).encode() if body is not None else None
        request = _Request(
            method,
            upstream.settings.url(self.base_url) + fill(path, at or {}),
            query or {},
            {"Accept": accept} | header_values(headers or {}) | ({"Content-Type": encoded[1]} if encoded else {}),
            cookies or {},
            encoded[0] if encoded else None,
        )
        seconds = timeout or upstream.settings.seconds(self.timeout_variable, self.timeout)
        try:
            with anyio.fail_after(seconds):
                return await self._answer(upstream, request, used, returns, accept=accept, wrapped=wrapped)
        except TimeoutError as error:
            own = timeout is not None
            hint = f"Try again, or raise {'its timeoutSeconds in the catalog' if own else self.timeout_variable}."
            raise TimedOut(f"The API gave no complete answer within {seconds:g} seconds.", hint) from error

    async def _answer(
        self,
        upstream: Upstream,
        request: _Request,
        used: Credential,
        returns: Any,  # noqa: ANN401 - a type
        *,
        accept: str,
        wrapped: bool,
    ) -> Answer[Any]:
        http, tokens, where = upstream.http, upstream.tokens, variables_of(self.base_url)
        carried = await tokens.carried(used)
        answer = await exchange(http, request.build(http, carried), where)
        if answer.status == UNAUTHORIZED and tokens.forget(used, carried):
            carried = await tokens.carried(used)
            answer = await exchange(http, request.build(http, carried), where)
        told = checked(answer.without(carried.secrets), returns, used.variables, accept=accept, wrapped=wrapped)
        return replace(told, url=request.url, base_url=upstream.settings.url(self.base_url))
