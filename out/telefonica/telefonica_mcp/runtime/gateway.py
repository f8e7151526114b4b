"""One safe way to call the APIs behind a gateway: one request, one answer or one error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx
from mcp.server.mcpserver import Context

from ..errors import InvalidArguments, TimedOut
from .admission import Limits
from .answers import JSON, checked
from .bodies import Body, Members
from .breaking import NEVER_OPEN, CircuitBreaker
from .context import Answer, Upstream
from .credentials import OPEN, Carried, Credential
from .exchange import RawAnswer, exchange
from .guard import Guard
from .idempotency import idempotency_key
from .redirects import MOST, Redirects, onward
from .retrying import MOST_ATTEMPTS, NEVER, Retry
from .settings import Settings, variables_of
from .tracing import traced
from .wire import cookie_header, fill, header_values, query_string

UNAUTHORIZED = 401
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""The idempotent methods (RFC 9110, section 9.2.2)."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request but for what its credential adds."""

    method: str
    route: str
    """The path with its placeholders."""
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
    """Where a family of APIs lives, what it asks of its callers, how long a call may take, and what if it fails.

    `base_url` names settings as `${VARIABLE}`. `timeout`: seconds of a call with all its attempts. `name`: of the
    settings that override these: NAME_TIMEOUT, NAME_ATTEMPTS, and NAME_BREAKER, which may be `off`.
    """

    base_url: str
    credential: Credential = OPEN
    timeout: float = 30.0
    name: str = ""
    retry: Retry = field(default_factory=Retry)
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    limits: Limits = field(default_factory=Limits)
    redirects: Redirects = "none"

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
        repeatable: bool | None = None,
        idempotency_header: str = "",
        retry: Retry | None = None,
    ) -> Answer[Any]:
        """Send a request and check the answer against its type. Raises `ApiError`, which is safe to show.

        `at` fills the path's placeholders; a body that is a mapping goes as a JSON object. Arguments that were not
        given are left out everywhere. `accept`: the media type of the answer. `repeatable`: whether the call may be
        made twice; without it, by the method. `idempotency_header`: carries a key that stays the same in all attempts,
        so that any call may.
        """
        upstream = ctx.request_context.lifespan_context
        used = credential or self.credential
        upstream.settings.require_all(variables_of(self.base_url) + used.variables)
        encoded = (Members(body) if isinstance(body, Mapping) else body).encode() if body is not None else None
        request = _Request(
            method,
            path,
            upstream.settings.url(self.base_url) + fill(path, at or {}),
            query or {},
            {"Accept": accept}
            | header_values(headers or {})
            | ({"Content-Type": encoded[1]} if encoded else {})
            | ({idempotency_header: idempotency_key(ctx)} if idempotency_header else {}),
            cookies or {},
            encoded[0] if encoded else None,
        )
        seconds = timeout or upstream.settings.seconds(self._variable("TIMEOUT"), self.timeout)
        again = bool(idempotency_header) or (method in REPEATABLE if repeatable is None else repeatable)
        chosen = self._retry(upstream.settings, retry) if again else NEVER
        answer = partial(self._answer, upstream, request, used, returns, accept=accept, wrapped=wrapped)
        try:
            return await upstream.guard(self).call(answer, chosen, seconds, f"{method} {path}")
        except TimeoutError as error:
            own = timeout is not None
            hint = f"Try again, or raise {'its timeoutSeconds in the catalog' if own else self._variable('TIMEOUT')}."
            raise TimedOut(f"The API gave no complete answer within {seconds:g} seconds.", hint) from error

    def guard(self, settings: Settings) -> Guard:
        """What all its calls pass through. Raises `NotConfigured`."""
        breaker = self.breaker if settings.switch(self._variable("BREAKER"), default=True) else NEVER_OPEN
        return Guard.of(self.limits, breaker)

    def _retry(self, settings: Settings, own: Retry | None) -> Retry:
        retry = own or self.retry
        return replace(retry, attempts=settings.whole(self._variable("ATTEMPTS"), retry.attempts, most=MOST_ATTEMPTS))

    def _variable(self, what: str) -> str:
        return f"{self.name}_{what}" if self.name else ""

    async def _answer(
        self,
        upstream: Upstream,
        request: _Request,
        used: Credential,
        returns: Any,  # noqa: ANN401 - a type
        attempt: int,
        *,
        accept: str,
        wrapped: bool,
    ) -> Answer[Any]:
        http, tokens, base_url = upstream.http, upstream.tokens, upstream.settings.url(self.base_url)
        carried = await tokens.carried(used)
        built = request.build(http, carried)
        with traced(built, request.route, attempt) as span:
            answer, url = await self._exchange(http, built, carried, base_url)
            if answer.status == UNAUTHORIZED and tokens.forget(used, carried):
                carried = await tokens.carried(used)
                again = span.carry_on(request.build(http, carried))
                answer, url = await self._exchange(http, again, carried, base_url)
            span.answered(answer.status)
            told = checked(answer.without(carried.secrets), returns, used.variables, accept=accept, wrapped=wrapped)
        return replace(told, url=url, base_url=base_url, shown_bytes=self.limits.model_bytes)

    async def _exchange(
        self, http: httpx.AsyncClient, request: httpx.Request, carried: Carried, base_url: str
    ) -> tuple[RawAnswer, str]:
        """The answer, and the URL that it came from."""
        where, most = variables_of(self.base_url), self.limits.answer_bytes
        answer = await exchange(http, request, where, most=most)
        for _ in range(MOST if self.redirects == "sameOrigin" else 0):
            following = onward(http, request, answer, base_url, carried.query)
            if following is None:
                break
            request = following
            answer = await exchange(http, request, where, most=most)
        return answer, str(request.url)
