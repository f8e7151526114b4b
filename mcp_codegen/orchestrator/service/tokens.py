"""Bearer tokens (JWT) of an OpenID Connect issuer, such as Microsoft Entra ID: from a token to a caller."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from mcp_codegen.orchestrator.errors import UserError, shown
from mcp_codegen.orchestrator.service.access import Caller
from mcp_codegen.orchestrator.service.issuers import Issuer, IssuerError, is_trustworthy
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.roles import Role

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""Of public keys only: with HS256 whoever knows the public key could sign."""
TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
"""What access tokens call themselves (RFC 9068, section 2.1); most issuers still say JWT."""
LEEWAY_SECONDS = 30.0
"""By which clocks may differ."""
CLAIMS = ("roles", "scp", "scope")
"""Where roles are looked for: Entra's app roles and scopes, and RFC 8693's."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose tokens are accepted, and what their roles are called."""

    issuer: str
    audiences: tuple[str, ...]
    jwks_url: str = ""
    roles: Mapping[str, Role]
    """By the name in a token."""
    client_id: str = ""
    """What the issuer knows this service by, where people sign in to its pages there."""
    client_secret: str = field(default="", repr=False)


def trust(
    issuer: str, audience: str, jwks_url: str, roles: str, *, client_id: str = "", client_secret: str = ""
) -> Trust | None:
    """What was configured, if anything was. `roles` is `NAME=role,…`. Raises UserError."""
    if not (issuer or audience or jwks_url or client_id):
        return None
    audiences = tuple(each.strip() for each in (audience or client_id).split(",") if each.strip())
    if not issuer or not audiences:
        raise UserError(
            "tokens need both an issuer and an audience",
            hint="give --oidc-issuer, and --oidc-audience or --oidc-client-id",
        )
    for url in filter(None, (issuer, jwks_url)):
        if not is_trustworthy(url):
            raise UserError(f"{shown(url)} cannot be trusted with keys", hint="give an https URL")
    named = {role.value: role for role in Role}
    for pair in filter(None, (each.strip() for each in roles.split(","))):
        name, equals, role = pair.rpartition("=")
        if not equals or role not in named.keys() & {each.value for each in Role}:
            raise UserError(
                f"--oidc-roles {shown(pair)}: it is no role", hint="write NAME=viewer, NAME=operator or NAME=admin"
            )
        named[name.strip()] = Role(role)
    return Trust(
        issuer=issuer,
        audiences=audiences,
        jwks_url=jwks_url,
        roles=named,
        client_id=client_id,
        client_secret=client_secret,
    )


class Tokens:
    """Verifies tokens. Of a token nothing is kept."""

    def __init__(self, trust: Trust, issuer: Issuer) -> None:
        self._trust = trust
        self._issuer = issuer

    async def caller(self, token: str) -> Caller | None:
        """Who sent it; None for what is not to be trusted. Raises `Refusal` (503) when that cannot be told now."""
        claims = await self._verified(token, self._trust.audiences)
        return None if claims is None else self._named(claims)

    async def signed_in(self, token: str, nonce: str) -> Caller | None:
        """Whom an ID token names that was asked for with this nonce (OpenID Connect Core 3.1.3.7); else as `caller`."""
        client_id = self._trust.client_id
        claims = await self._verified(token, (client_id,))
        if claims is None or claims.get("nonce") != nonce or claims.get("azp", client_id) != client_id:
            return None
        return self._named(claims)

    async def _verified(self, token: str, audiences: Sequence[str]) -> dict[str, Any] | None:
        if not token.isascii():
            return None
        try:
            return await self._claims(token, audiences)
        except (jwt.PyJWTError, ArithmeticError, RecursionError, TypeError, ValueError) as error:  # whatever was sent
            logger.info("a token was refused: %s", type(error).__name__)
            return None
        except IssuerError as error:
            logger.warning("no token can be verified: %s", error)
            raise Refusal(503, "no token can be verified now", headers={"Retry-After": "10"}) from error

    async def _claims(self, token: str, audiences: Sequence[str]) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ") or ""
        if algorithm not in ALGORITHMS or not isinstance(kid, str | None):
            raise jwt.InvalidAlgorithmError
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise jwt.InvalidTokenError
        key = await self._issuer.key(kid, algorithm)
        if key is None:
            raise jwt.InvalidKeyError
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audiences,
            issuer=self._trust.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )

    def _named(self, claims: Mapping[str, Any]) -> Caller:
        return Caller(f"user:{_subject(claims)}", self._role(claims))

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        """The highest that the token gives."""
        names: list[Any] = []
        for claim in CLAIMS:
            value = claims.get(claim)
            names += value.split() if isinstance(value, str) else value if isinstance(value, list) else []
        given = [self._trust.roles[name] for name in names if isinstance(name, str) and name in self._trust.roles]
        return max(given, key=list(Role).index, default=None)


def _subject(claims: Mapping[str, Any]) -> str:
    """A person's name where the issuer says one, else the program's or the subject's."""
    names = (claims.get(name) for name in ("preferred_username", "upn", "email", "sub", "azp", "appid"))
    return next((name for name in names if isinstance(name, str) and name), "")[:200]
