"""Tokens of the OAuth 2.0 client credentials grant (RFC 6749, section 4.4): fetched once, shared, renewed in time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from pydantic import BaseModel, Field, ValidationError

from ..errors import NotConfigured, Unauthorized, Unreachable
from .credentials import Basic, Carried, ClientCredentials, Credential, Together
from .settings import Settings

if TYPE_CHECKING:
    import httpx

RENEW_SECONDS = 30.0
"""A token is fetched anew so long before it expires."""
FETCH_SECONDS = 30.0


class _Token(BaseModel):
    access_token: str = Field(min_length=1)
    expires_in: float = 300.0


@dataclass(slots=True)
class Tokens:
    """The tokens that a server holds while it runs."""

    http: httpx.AsyncClient
    settings: Settings
    _held: dict[ClientCredentials, tuple[str, float]] = field(default_factory=dict)
    _locks: dict[ClientCredentials, asyncio.Lock] = field(default_factory=dict)

    async def carried(self, credential: Credential | ClientCredentials | Together) -> Carried:
        """What a credential adds to a request. Raises `ApiError`."""
        if isinstance(credential, Together):
            parts = [await self.carried(part) for part in credential.parts]
            return Carried(
                headers={name: value for part in parts for name, value in part.headers.items()},
                query={name: value for part in parts for name, value in part.query.items()},
                secrets=tuple(secret for part in parts for secret in part.secrets),
            )
        if not isinstance(credential, ClientCredentials):
            return credential.read(self.settings)
        token = await self._token(credential)
        return Carried(headers={"Authorization": f"Bearer {token}"}, secrets=(token,))
