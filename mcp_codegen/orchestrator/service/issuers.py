"""What an issuer publishes: the keys that it signs tokens with, and its endpoints; asked for when needed, and kept."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

FRESH_SECONDS = 3600.0
"""Keys are fetched anew after this long."""
STALE_SECONDS = 24 * 3600.0
"""Keys are trusted no longer than this while their issuer cannot be reached."""
FETCH_SECONDS = 10.0
FETCHES = 5
"""In any minute: tokens that name unknown keys cannot make this service trouble the issuer."""
MOST_KEYS = 100
LARGEST = 1_000_000
"""Bytes of an issuer's answer."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class IssuerError(Exception):
    """The issuer cannot be asked; the text holds nothing that it answered."""


@dataclass(slots=True)
class Issuer:
    """An issuer of tokens (OpenID Connect). `jwks_url` is where its keys are; by default, where its metadata says."""

    http: httpx.AsyncClient
    url: str
    jwks_url: str = ""
    _keys: list[dict[str, Any]] = field(default_factory=list)
    _fetched: float = 0.0
    _metadata: dict[str, Any] = field(default_factory=dict)
    _described: float = 0.0
    _attempts: deque[float] = field(default_factory=lambda: deque(maxlen=FETCHES))
    _fetch: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key of this name for this algorithm; a name that is not known yet is asked for. Raises IssuerError."""
        age = time.monotonic() - self._fetched
        if not self._keys or age > FRESH_SECONDS:
            try:
                await self._renew()
            except IssuerError:
                if not self._keys or age > STALE_SECONDS:
                    raise
        elif not self._named(kid) and self._may_fetch():
            await self._renew()
        return _usable(self._named(kid), algorithm)

    async def endpoint(self, name: str) -> str:
        """Where the issuer says that this is, such as `token_endpoint`. Raises IssuerError."""
        if not self._metadata or time.monotonic() - self._described > FRESH_SECONDS:
            await self._describe()
        where = self._metadata.get(name)
        if not isinstance(where, str) or not is_trustworthy(where):
            raise IssuerError(f"the issuer names no https URL as its {name}")
        return where

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """What it answers to a form. Raises IssuerError."""
        return await self._ask("POST", url, data=form, headers=headers)

    def _named(self, kid: str | None) -> list[dict[str, Any]]:
        return [key for key in self._keys if kid is None or key.get("kid") == kid]

    def _may_fetch(self) -> bool:
        full = len(self._attempts) == FETCHES
        return self._fetch is not None or not full or time.monotonic() - self._attempts[0] > 60  # noqa: PLR2004

    async def _renew(self) -> None:
        """Fetch the keys, once for all who wait."""
        if self._fetch is None:
            if not self._may_fetch():
                raise IssuerError("the issuer's keys could not be fetched a moment ago")
            self._attempts.append(time.monotonic())
            self._fetch = asyncio.create_task(self._fetch_keys())
            self._fetch.add_done_callback(self._forget)
        await asyncio.shield(self._fetch)

    def _forget(self, fetch: asyncio.Task[None]) -> None:
        self._fetch = None
        if not fetch.cancelled():
            fetch.exception()  # told to those who waited

    async def _fetch_keys(self) -> None:
        if not self.jwks_url:
            await self._describe()
        found = await self._ask("GET", self.jwks_url or await self.endpoint("jwks_uri"))
        keys = found.get("keys")
        if not isinstance(keys, list) or not keys:
            raise IssuerError("the issuer answered no keys")
        self._keys = [key for key in keys[:MOST_KEYS] if isinstance(key, dict)]
        self._fetched = time.monotonic()

    async def _describe(self) -> None:
        """Fetch the issuer's metadata (OpenID Connect Discovery 1.0)."""
        metadata = await self._ask("GET", f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.url:
            raise IssuerError("the issuer calls itself by another name than was configured")
        self._metadata, self._described = metadata, time.monotonic()

    async def _ask(self, method: str, url: str, **words: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's
        try:
            async with asyncio.timeout(FETCH_SECONDS), self.http.stream(method, url, **words) as answer:
                if answer.status_code != 200:  # noqa: PLR2004
                    raise IssuerError(f"the issuer answered HTTP {answer.status_code}")
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise IssuerError("the issuer answered too much")
            found = json.loads(body)
        except TimeoutError as error:
            raise IssuerError(f"the issuer gave no answer within {FETCH_SECONDS:g} seconds") from error
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise IssuerError(f"the issuer cannot be asked ({type(error).__name__})") from error
        if not isinstance(found, dict):
            raise IssuerError("the issuer answered something else than was asked for")
        return found


def is_trustworthy(url: str) -> bool:
    """Whether what is answered there comes from there: https, or this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(parts.hostname)) or (parts.scheme == "http" and parts.hostname in LOOPBACK)


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
