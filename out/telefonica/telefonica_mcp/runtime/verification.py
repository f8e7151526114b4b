"""From a bearer token to a caller: whose key it is, or what its issuer has signed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jwt
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthenticationError

from ..errors import ApiError
from .api_keys import holder
from .authentication import Authentication, claimed_scopes
from .issuers import Issuer
from .scopes import including

if TYPE_CHECKING:
    import httpx

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Of public keys only: with HS256 whoever knows the public key could sign."""
TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
"""What access tokens call themselves (RFC 9068, section 2.1); most issuers still say JWT."""
LEEWAY_SECONDS = 30.0
"""By which clocks may differ."""
MAX_TOKEN = 16_384
"""Characters."""

logger = logging.getLogger(__name__)


class KeysUnavailableError(AuthenticationError):
    """No token can be verified now: the issuer cannot be asked for its keys."""


class CallerVerifier:
    """The SDK's `TokenVerifier`. What it tells of a caller does not hold the token: it can go nowhere from there.

    http: its own from now on.
    """

    def __init__(self, authentication: Authentication, http: httpx.AsyncClient) -> None:
        self._authentication = authentication
        self._http = http
        self._issuers = {url: Issuer(http, url, authentication.jwks_url) for url in authentication.issuers}

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who sent it; None for what is not to be trusted. Raises `KeysUnavailableError`."""
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        if key := holder(self._authentication.keys, token):
            return AccessToken(token="", client_id=f"key:{key.name}", scopes=list(including(key.scopes)))
        if not self._issuers:
            return None
        try:
            return _caller(await self._claims(token), self._authentication)
        except (jwt.PyJWTError, ArithmeticError, RecursionError, TypeError, ValueError) as error:  # whatever was sent
            logger.info("A token was refused: %s", type(error).__name__)
            return None
        except ApiError as error:
            logger.warning("No token can be verified: %s", error)
            raise KeysUnavailableError from error

    async def aclose(self) -> None:
        """Ask the issuers no more, and close the connections to them."""
        for issuer in self._issuers.values():
            await issuer.aclose()
        await self._http.aclose()

    async def _claims(self, token: str) -> dict[str, Any]:
        """What the token says, once it is verified. Raises `jwt.PyJWTError`, `ApiError`."""
        header = jwt.get_unverified_header(token)
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ") or ""
        if algorithm not in ALGORITHMS or not isinstance(kid, str | None):
            raise jwt.InvalidAlgorithmError
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise jwt.InvalidTokenError
        url = jwt.decode(token, options={"verify_signature": False}).get("iss")  # only to choose whose keys
        issuer = self._issuers.get(url) if isinstance(url, str) else None
        if issuer is None:
            raise jwt.InvalidIssuerError
        key = await issuer.key(kid, algorithm)
        if key is None:
            raise jwt.InvalidKeyError
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._authentication.audiences,
            issuer=issuer.url,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )


def _caller(claims: Mapping[str, Any], authentication: Authentication) -> AccessToken:
    names = (claims.get(name) for name in ("azp", "appid", "client_id", "sub"))
    subject = claims.get("sub")
    return AccessToken(
        token="",
        client_id=next((name for name in names if isinstance(name, str)), ""),
        scopes=list(including(authentication.granted(claimed_scopes(claims)))),
        expires_at=int(claims["exp"] + LEEWAY_SECONDS),
        subject=subject if isinstance(subject, str) else None,
        claims={"iss": claims["iss"]},
    )
