"""Who issues tokens, and the keys that they are signed with: fetched when needed, kept, renewed when they change."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import jwt
from pydantic import BaseModel, Field, ValidationError

from ..errors import ApiError, NotJson, Unreachable
from .exchange import exchange
from .settings import is_trustworthy

if TYPE_CHECKING:
    import httpx

FRESH_SECONDS = 3600.0
"""Keys are fetched anew after this long."""
STALE_SECONDS = 24 * 3600.0
"""Keys are trusted no longer than this while their issuer cannot be reached."""
FETCH_SECONDS = 10.0
FETCHES = 5
"""In any minute: tokens that name unknown keys cannot make this server trouble the issuer."""
MAX_KEYS = 100
WHO = "The issuer of tokens"

ModelT = TypeVar("ModelT", bound=BaseModel)


class _Metadata(BaseModel):
    issuer: str
    jwks_uri: str


class _KeySet(BaseModel):
    keys: list[dict[str, Any]] = Field(min_length=1)


@dataclass(slots=True)
class Issuer:
    """An authorization server. jwks_url: where its keys are; by default, where its metadata says."""

    http: httpx.AsyncClient
    url: str
    jwks_url: str = ""
    _keys: list[dict[str, Any]] = field(default_factory=list)
    _fetched: float = 0.0
    """On the monotonic clock."""
    _attempts: deque[float] = field(default_factory=lambda: deque(maxlen=FETCHES))
    _fetch: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of this name for this algorithm; a name that is not known yet is asked for.

        Raises `ApiError` when the issuer cannot be asked.
        """
        age = time.monotonic() - self._fetched
        if not self._keys or age > FRESH_SECONDS:
            try:
                await self._renew()
            except ApiError:
                if not self._keys or age > STALE_SECONDS:
                    raise
        elif self._named(kid) == [] and self._may_fetch():
            await self._renew()
        return _usable(self._named(kid), algorithm)

    async def count(self, algorithms: Iterable[str]) -> int:
        """How many keys it has that verify what was signed by one of the algorithms. Raises `ApiError`."""
        await self._renew()
        return sum(any(_usable([key], algorithm) for algorithm in algorithms) for key in self._keys)

    async def aclose(self) -> None:
        """Give up on a fetch that nobody waits for any more."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)

    def _named(self, kid: str | None) -> list[dict[str, Any]]:
        return [key for key in self._keys if kid is None or key.get("kid") == kid]

    def _may_fetch(self) -> bool:
        full = len(self._attempts) == FETCHES
        return self._fetch is not None or not full or time.monotonic() - self._attempts[0] > 60  # noqa: PLR2004

    async def _renew(self) -> None:
        """Fetch the keys, once for all who wait."""
        if self._fetch is None:
            if not self._may_fetch():
                raise Unreachable("The issuer's keys could not be fetched a moment ago.", "Try again in a minute.")
            self._attempts.append(time.monotonic())
            self._fetch = asyncio.create_task(self._fetch_keys())
            self._fetch.add_done_callback(self._forget)
        await asyncio.shield(self._fetch)

    def _forget(self, fetch: asyncio.Task[None]) -> None:
        self._fetch = None
        if not fetch.cancelled():
            fetch.exception()  # told to those who waited

    async def _fetch_keys(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                url = self.jwks_url or await self._discover()
                keys = (await self._get(url, _KeySet)).keys
        except TimeoutError as error:
            raise Unreachable(f"{WHO} gave no answer within {FETCH_SECONDS:g} seconds.", "Try again.") from error
        self._keys = keys[:MAX_KEYS]
        self._fetched = time.monotonic()

    async def _discover(self) -> str:
        """Where the keys are, from the issuer's metadata (OpenID Connect Discovery; RFC 8414)."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        openid = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        oauth = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"
        try:
            metadata = await self._get(openid, _Metadata)
        except NotJson:
            metadata = await self._get(oauth, _Metadata)
        if metadata.issuer != self.url:  # RFC 8414, section 3.3
            raise NotJson(f"{WHO} calls itself by another name.", "MCP_AUTH_ISSUER must be what tokens have as iss.")
        if not is_trustworthy(metadata.jwks_uri):
            raise NotJson(f"{WHO} names no https URL of its keys.", "Set MCP_AUTH_JWKS_URL.")
        return metadata.jwks_uri

    async def _get(self, url: str, model: type[ModelT]) -> ModelT:
        answer = await exchange(self.http, self.http.build_request("GET", url), ("MCP_AUTH_ISSUER",), who=WHO)
        hint = "Check MCP_AUTH_ISSUER, or set MCP_AUTH_JWKS_URL."
        if answer.status != 200:  # noqa: PLR2004
            raise NotJson(f"{WHO} answered HTTP {answer.status}.", hint, status=answer.status)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise NotJson(f"{WHO} answered something else than was asked for.", hint) from error


def _usable(keys: list[dict[str, Any]], algorithm: str) -> jwt.PyJWK | None:
    """The one key that fits the algorithm: of its kind, for signatures, and not made for another algorithm."""
    found = []
    for key in keys:
        if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
            continue
        try:
            found.append(jwt.PyJWK(key, algorithm))
        except (jwt.PyJWTError, TypeError, ValueError, AttributeError):  # of another kind, or broken
            continue
    return found[0] if len(found) == 1 else None
