"""People sign in at their OpenID Connect issuer's own page: the authorization code flow with PKCE.

RFC 6749, section 4.1; RFC 7636; RFC 9700; OpenID Connect Core 1.0, section 3.1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from mcp_codegen.orchestrator.service.access import Caller
from mcp_codegen.orchestrator.service.issuers import Issuer, IssuerError
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.tokens import Tokens, Trust

SCOPE = "openid profile email"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to the issuer and back. All that guards it follows from a secret that the browser alone keeps."""

    secret: str

    def state(self, next: str) -> str:
        """What the issuer gives back: that this browser began, and which page it wants to see."""
        return f"{self._derived('state ' + next)}.{next}"

    def wanted(self, state: str) -> str | None:
        """The page that a state asks for; None where another browser began."""
        next = state.partition(".")[2]
        same = hmac.compare_digest(state.encode("utf-8", "replace"), self.state(next).encode("utf-8", "replace"))
        return next if same else None

    @property
    def nonce(self) -> str:
        """What the ID token has to hold, so that it is of this attempt."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """What proves to the issuer that who brings the code asked for it."""
        return self._derived("verifier")

    def _derived(self, purpose: str) -> str:
        words = f"mcp-orchestrator: signing in: {purpose}".encode("utf-8", "replace")
        return _text(hmac.new(self.secret.encode("utf-8", "replace"), words, hashlib.sha256).digest())


@dataclass(frozen=True, slots=True)
class SignIn:
    """The way to the issuer and back; of tokens and codes nothing is kept."""

    trust: Trust
    issuer: Issuer
    tokens: Tokens

    @property
    def place(self) -> str:
        """The issuer's host, for people."""
        return urlsplit(self.trust.issuer).hostname or ""

    async def begin(self, attempt: Attempt, next: str, back: str) -> str:
        """The issuer's page, from which a browser comes `back`. Raises `Refusal` (503)."""
        try:
            page = await self.issuer.endpoint("authorization_endpoint")
        except IssuerError as error:
            raise _unavailable(error) from error
        words = {
            "response_type": "code",
            "client_id": self.trust.client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": attempt.state(next),
            "nonce": attempt.nonce,
            "code_challenge": _text(hashlib.sha256(attempt.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return f"{page}{'&' if urlsplit(page).query else '?'}{urlencode(words)}"

    async def finish(self, attempt: Attempt, code: str, back: str) -> Caller | None:
        """Who came back with this code; None where the issuer's answer is not to be trusted. Raises `Refusal` (503)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self.trust.client_id,
            "code_verifier": attempt.verifier,
        }
        try:
            answer = await self.issuer.post(await self.issuer.endpoint("token_endpoint"), form, self._proof())
        except IssuerError as error:
            raise _unavailable(error) from error
        token = answer.get("id_token")
        return await self.tokens.signed_in(token, attempt.nonce) if isinstance(token, str) else None

    def _proof(self) -> dict[str, str]:
        """The client's secret, where it has one, in the way that every issuer takes (RFC 6749, section 2.3.1)."""
        if not self.trust.client_secret:
            return {}
        pair = f"{quote(self.trust.client_id, safe='')}:{quote(self.trust.client_secret, safe='')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _unavailable(error: IssuerError) -> Refusal:
    logger.warning("nobody can sign in at the issuer: %s", error)
    return Refusal(
        503,
        "the issuer did not finish the sign-in",
        hint="try again; if it stays, the service's log says why",
        headers={"Retry-After": "10"},
    )


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
