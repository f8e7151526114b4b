"""Whether the issuers of callers' tokens can be asked for their keys, where the settings name any."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import httpx

from ...errors import ApiError, NotConfigured, Unreachable
from ..authentication import read_authentication
from ..issuers import Issuer
from ..verification import ALGORITHMS
from .configuration import ANYWHERE
from .findings import Finding, fine, problem
from .network import unreachable


async def asked(http: httpx.AsyncClient, environ: Mapping[str, str]) -> list[Finding]:
    """What each of them answers, without a credential. Settings that are wrong are told elsewhere."""
    try:
        found = read_authentication(environ, ANYWHERE, local=True)
    except NotConfigured:
        return []
    issuers = [Issuer(http, url, found.jwks_url) for url in found.issuers] if found else []
    return list(await asyncio.gather(*map(_asked, issuers)))


async def _asked(issuer: Issuer) -> Finding:
    who = "The issuer of callers' tokens"
    where = httpx.URL(issuer.url).host
    try:
        usable = await issuer.count(ALGORITHMS)
    except Unreachable as error:
        reached = next(_hosts(error), where)
        return unreachable(error, who, reached)
    except ApiError as error:
        return problem(f"{who} ({where}): {error.message}", error.hint)
    if usable:
        return fine(f"{who} answers ({where}); tokens can be verified with {usable} of its keys.")
    remedy = "It has to publish public keys for signatures: by RSA, an elliptic curve or Ed25519."
    return problem(f"{who} ({where}) has no key that tokens can be verified with.", remedy)


def _hosts(error: BaseException) -> Iterator[str]:
    """The host that could not be reached: its keys may be elsewhere than the issuer."""
    cause = error.__cause__
    if isinstance(cause, httpx.TransportError):
        yield cause.request.url.host
