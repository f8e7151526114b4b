"""Whether a gateway can be reached, and if not, at which step it fails: name, connection, certificate, answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.request import getproxies

import httpx

from ...errors import Blocked
from ..exchange import RawAnswer
from ..refusals import refusal
from .configuration import age
from .findings import Finding, fine, problem, warning

PATIENCE = 10.0
"""Seconds for the first answer."""
READ = 16_384
"""Bytes of an answer that are looked at."""
UNEASY_SECONDS, WRONG_SECONDS = 60, 300
"""How far this machine's clock may be from the API's; tokens are refused by clocks that are minutes apart."""

_OWN_AUTHORITY = (
    "Behind a company's proxy, or with a company's own authority: SSL_CERT_FILE=/path/to/its-certificates.pem "
    "in the environment of the server (not in .env)."
)
_CERTIFICATES = {
    9: ("is not valid yet", "Is this machine's clock right? Else tell the API's owners."),
    10: ("has expired", "Is this machine's clock right? Else the API's owners must renew it."),
    18: ("is signed by itself", _OWN_AUTHORITY),
    19: ("comes from an authority that this machine does not know", _OWN_AUTHORITY),
    20: ("comes from an authority that this machine does not know", _OWN_AUTHORITY),
    21: ("comes without its authority's", "The API's owners must send the whole chain. " + _OWN_AUTHORITY),
    62: ("is for another host", "Check the base URL: use the name that the certificate was issued for."),
    64: ("is for another host", "Check the base URL: use the name that the certificate was issued for."),
}
"""What OpenSSL's codes mean (X509_V_ERR_…)."""


async def reach(http: httpx.AsyncClient, name: str, url: str) -> list[Finding]:
    """Ask for the base URL without a credential: any answer will do."""
    host = httpx.URL(url).host
    sent = time.time()
    try:
        async with asyncio.timeout(PATIENCE):
            response = await http.send(http.build_request("GET", url), stream=True)
            try:
                content = await _start(response)
            finally:
                await response.aclose()
    except (httpx.TransportError, TimeoutError) as error:
        return [unreachable(error, name, host)]
    took = time.time() - sent
    secure = "certificate valid, " if response.url.scheme == "https" else ""
    found = [fine(f"{name}: {host} answers ({secure}HTTP {response.status_code} without a credential).")]
    answer = RawAnswer(response.status_code, content, dict(response.headers))
    if isinstance(blocked := refusal(answer, ()), Blocked):
        found.append(warning(f"{name}: {blocked.message}", blocked.hint))
    return [*found, *_clock(response.headers.get("date", ""), sent + took / 2, host)]


async def _start(response: httpx.Response) -> bytes:
    content = b""
    try:
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > READ:
                break
    except httpx.DecodingError:
        pass
    return content[:READ]


def unreachable(error: BaseException, name: str, host: str) -> Finding:
    """At which step the way to a host ended. name: of what is there."""
    causes = list(_causes(error))
    where = f"{name}: {host}"
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            said, remedy = _CERTIFICATES.get(cause.verify_code, ("cannot be verified", _OWN_AUTHORITY))
            return problem(f"{where} shows a certificate that {said}.", remedy)
        if isinstance(cause, socket.gaierror):
            return problem(f"{where} is a name that cannot be resolved.", "Check its spelling, the VPN, and the DNS.")
        if isinstance(cause, ConnectionRefusedError):
            return problem(f"{where} refuses the connection.", "Check the port, and whether the API is running.")
        if isinstance(cause, ssl.SSLError):
            return problem(f"{where} does not speak TLS on this port.", "Check the scheme (https?) and the port.")
    if any(isinstance(cause, TimeoutError | httpx.TimeoutException) for cause in causes):
        remedy = "A firewall may drop the connection: check the network, the VPN and, behind a proxy, HTTPS_PROXY."
        return problem(f"{where} gave no answer within {PATIENCE:g} seconds.", remedy)
    proxy = " The connection goes through the machine's proxy." if getproxies() else ""
    return problem(f"{where} cannot be reached, or breaks the connection.{proxy}", "Check the network and HTTPS_PROXY.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from; aiohttp keeps the system's error in a member of its own, which says more."""
    while error is not None:
        for kept in (getattr(error, "certificate_error", None), getattr(error, "os_error", None)):
            if isinstance(kept, BaseException):
                yield kept
        yield error
        error = error.__cause__ or error.__context__


def _clock(date: str, now: float, host: str) -> Iterator[Finding]:
    try:
        apart = now - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return
    if abs(apart) > UNEASY_SECONDS:
        make = problem if abs(apart) > WRONG_SECONDS else warning
        said = f"This machine's clock is {age(abs(apart))} {'ahead of' if apart > 0 else 'behind'} that of {host}."
        yield make(said, "Set it by the network (NTP): tokens and certificates depend on the time.")
