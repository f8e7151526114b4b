"""Tokens of the OAuth 2.0 client credentials grant (RFC 6749, section 4.4): fetched once, shared, renewed in time."""

from __future__ import annotations

import asyncio
import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode

from pydantic import BaseModel, Field, ValidationError

from ..errors import NotFound, NotJson, TimedOut
from .credentials import Carried, ClientCredentials, Credential, Together
from .exchange import exchange
from .refusals import refusal
from .settings import Settings, variables_of

if TYPE_CHECKING:
    import httpx

RENEW_SECONDS = 30.0
"""A token is fetched anew so long before it expires; one of a short life after half of it."""
FETCH_SECONDS = 30.0
"""A call waits for a token no longer than its own time; the fetch, which others may share, ends after this."""
USUAL_SECONDS = 300.0
"""The life of a token of which nothing is said."""
WHO = "The token endpoint"

_NOT_IN_HEADERS = re.compile(r"[^\x21-\x7e]")


class _Issued(BaseModel):
    access_token: str = Field(min_length=1)
    expires_in: float | None = Field(None, gt=0, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float
    """On the monotonic clock."""


@dataclass(slots=True)
class Tokens:
    """The tokens that a server holds while it runs, and what its other credentials carry."""

    http: httpx.AsyncClient
    settings: Settings
    _held: dict[ClientCredentials, _Token] = field(default_factory=dict)
    _fetches: dict[ClientCredentials, asyncio.Task[_Token]] = field(default_factory=dict)

    async def carried(self, credential: Credential) -> Carried:
        """What a credential adds to a request. Raises `ApiError`."""
        if isinstance(credential, Together):
            parts = [await self.carried(part) for part in credential.parts]
            return Carried(
                headers={name: value for part in parts for name, value in part.headers.items()},
                query={name: value for part in parts for name, value in part.query.items()},
                cookies={name: value for part in parts for name, value in part.cookies.items()},
                secrets=tuple(secret for part in parts for secret in part.secrets),
            )
        if not isinstance(credential, ClientCredentials):
            return credential.read(self.settings)
        token = await self._token(credential)
        return Carried(headers={"Authorization": f"Bearer {token}"}, secrets=(token,))

    def forget(self, credential: Credential, refused: Carried) -> bool:
        """Let go of the tokens that an API refused; whether another attempt may fare better."""
        if isinstance(credential, Together):
            return bool([part for part in credential.parts if self.forget(part, refused)])
        if not isinstance(credential, ClientCredentials):
            return False
        held = self._held.get(credential)
        if held and held.text in refused.secrets:  # not one that another call has fetched since
            del self._held[credential]
        return True

    async def aclose(self) -> None:
        """Give up on the fetches that nobody waits for any more."""
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    async def _token(self, credential: ClientCredentials) -> str:
        held = self._held.get(credential)
        if held and time.monotonic() < held.until:
            return held.text
        if credential not in self._fetches:
            fetch = asyncio.create_task(self._fetch(credential))
            self._fetches[credential] = fetch
            fetch.add_done_callback(lambda done: self._keep(credential, done))
        # One that gives up takes the token from none of the others that wait for it.
        return (await asyncio.shield(self._fetches[credential])).text

    def _keep(self, credential: ClientCredentials, fetch: asyncio.Task[_Token]) -> None:
        del self._fetches[credential]
        if not fetch.cancelled() and fetch.exception() is None:
            self._held[credential] = fetch.result()

    async def _fetch(self, credential: ClientCredentials) -> _Token:
        url = self.settings.url(credential.token_url) + ("/" if credential.token_url.endswith("/") else "")
        secret = self.settings.require(credential.client_secret)
        # RFC 6749, section 2.3.1: each is encoded as in a form before they are joined.
        pair = f"{quote_plus(self.settings.require(credential.client_id))}:{quote_plus(secret)}"
        basic = b64encode(pair.encode()).decode()
        asked = {"grant_type": "client_credentials"} | ({"scope": credential.scopes} if credential.scopes else {})
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        request = self.http.build_request("POST", url, headers=headers, content=urlencode(asked))
        where = variables_of(credential.token_url)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                answer = await exchange(self.http, request, where, who=WHO)
        except TimeoutError as error:
            hint = "Try again, or tell its owners."
            raise TimedOut(f"{WHO} gave no complete answer within {FETCH_SECONDS:g} seconds.", hint) from error
        answer = answer.without((secret, quote_plus(secret), basic))
        if problem := refusal(answer, (credential.client_id, credential.client_secret), who=WHO):
            if isinstance(problem, NotFound):
                problem.hint = f"Check {' and '.join(where) or 'tokenUrl in the catalog'}."
            raise problem
        try:
            issued = _Issued.model_validate_json(answer.content)
        except ValidationError:
            issued = None
        if issued is None or _NOT_IN_HEADERS.search(issued.access_token):
            hint = f"Check {' and '.join(where) or 'tokenUrl in the catalog'}: does it issue tokens?"
            raise NotJson(f"{WHO} answered HTTP {answer.status} without a token.", hint, status=answer.status)
        lives = USUAL_SECONDS if issued.expires_in is None else issued.expires_in
        return _Token(issued.access_token, begun + lives - min(RENEW_SECONDS, lives / 2))
