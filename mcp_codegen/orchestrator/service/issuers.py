"""The keys that an issuer signs tokens with: fetched when needed, kept, renewed when they change."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
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
    """The issuer cannot be asked for its keys; the text holds nothing that it answered."""


@dataclass(slots=True)
class Issuer:
    """An issuer of tokens (OpenID Connect). `jwks_url` is where its keys are; by default, where its metadata says."""

    http: httpx.AsyncClient
    url: str
    jwks_url: str = ""
    _keys: list[dict[str, Any]] = field(default_factory=list)
    _fetched: float = 0.0
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
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                found = await self._get(self.jwks_url or await self._discover())
        except TimeoutError as error:
            raise IssuerError(f"the issuer gave no answer within {FETCH_SECONDS:g} seconds") from error
        keys = found.get("keys")
        if not isinstance(keys, list) or not keys:
            raise IssuerError("the issuer answered no keys")
        self._keys = [key for key in keys[:MOST_KEYS] if isinstance(key, dict)]
        self._fetched = time.monotonic()

    async def _discover(self) -> str:
        """Where the keys are, from the issuer's metadata (OpenID Connect Discovery 1.0)."""
        metadata = await self._get(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.url:
            raise IssuerError("the issuer calls itself by another name than was configured")
        where = metadata.get("jwks_uri")
        if not isinstance(where, str) or not is_trustworthy(where):
            raise IssuerError("the issuer names no https URL of its keys")
        return where

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with self.http.stream("GET", url) as answer:
                if answer.status_code != 200:  # noqa: PLR2004
                    raise IssuerError(f"the issuer answered HTTP {answer.status_code}")
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise IssuerError("the issuer answered too much")
            found = json.loads(body)
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
