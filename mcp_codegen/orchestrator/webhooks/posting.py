"""One attempt to deliver: a POST to an address that was checked, with no redirect, and little kept of the answer."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

import httpx

from mcp_codegen.orchestrator.errors import printable
from mcp_codegen.orchestrator.webhooks import destinations
from mcp_codegen.orchestrator.webhooks.destinations import Address, Allowed, Refused

CONNECT_SECONDS = 5.0
SECONDS = 15.0
"""From the look-up of the name to the end of the answer."""
READ = 1_000
"""Bytes of an answer that are read at all."""
KEPT = 160
"""Characters of a refusal's answer that are kept."""
GONE = 410
LONGEST_WAIT = 86_400

_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended."""

    status: int | None = None
    problem: str = ""
    """Why it was not accepted; empty where it was."""
    retry_after: float = 0.0
    """Seconds, where the receiver asked for them."""

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == GONE


async def post(
    url: str, payload: str, headers: Mapping[str, str], allow: Allowed, tls: ssl.SSLContext, *, seconds: float = SECONDS
) -> Answer:
    """Send it, and tell how that went; raises nothing that a receiver could cause."""
    try:
        async with asyncio.timeout(seconds):
            parts = destinations.check_url(url, allow)
            addresses = await destinations.resolve(parts, allow)
            return await _post_to(parts, addresses, payload, headers, tls)
    except Refused as refused:
        return Answer(problem=f"not sent: {refused}")
    except TimeoutError:
        return Answer(problem=f"no answer within {seconds:g} seconds")
    except (httpx.HTTPError, OSError, ValueError) as error:  # UnicodeError of names among the last
        return Answer(problem=f"cannot be reached ({type(error).__name__})")


async def _post_to(
    parts: SplitResult,
    addresses: Sequence[Address],
    payload: str,
    headers: Mapping[str, str],
    tls: ssl.SSLContext,
) -> Answer:
    """Try the addresses in turn until one can be connected to."""
    for number, address in enumerate(addresses, 1):
        try:
            return await _send(parts, address, payload, headers, tls)
        except httpx.ConnectError:
            if number == len(addresses):
                raise
    raise OSError("there is no address")


async def _send(
    parts: SplitResult, address: Address, payload: str, headers: Mapping[str, str], tls: ssl.SSLContext
) -> Answer:
    """The certificate is held against the name, though the connection is to the address.

    A transport for each attempt: connections are kept apart by address, and two names may share one.
    """
    name = (parts.hostname or "").rstrip(".")
    place = httpx.URL(parts.geturl()).copy_with(host=str(address), port=parts.port)
    whole = {
        **headers,
        "host": parts.netloc,
        "content-type": "application/json",
        "user-agent": "mcp-orchestrator",
        "accept-encoding": "identity",
        "connection": "close",
    }
    request = httpx.Request(
        "POST",
        place,
        headers=whole,
        content=payload.encode(),
        extensions={
            "sni_hostname": name,
            "timeout": httpx.Timeout(SECONDS, connect=CONNECT_SECONDS).as_dict(),
        },
    )
    async with httpx.AsyncHTTPTransport(verify=tls, trust_env=False) as transport:
        response = await transport.handle_async_request(request)
        try:
            return Answer(response.status_code) if response.is_success else await _refused(response)
        finally:
            await response.aclose()


async def _refused(response: httpx.Response) -> Answer:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= READ:
            break
    told = f"HTTP {response.status_code}"
    if response.is_redirect:
        told += ": redirects are not followed"
    elif text := excerpt(bytes(body[:READ])):
        told += f": {text}"
    return Answer(response.status_code, told, _retry_after(response.headers.get("retry-after", "")))


def excerpt(body: bytes) -> str:
    """The start of an answer, on one line; what may be personal or secret in it (digits, addresses, keys) is masked."""
    words = body.decode("utf-8", "replace").split()
    plain = [word if _is_plain(word) else "***" for word in words]
    text = printable(" ".join(plain))
    return text if len(text) <= KEPT else text[: KEPT - 1] + "…"


def _is_plain(word: str) -> bool:
    """Words and short numbers, and no more: no long digits, no address, nothing that looks like a key."""
    letters = sum(character.isalpha() for character in word)
    digits = sum(character.isdigit() for character in word)
    return len(word) <= 24 and digits <= 3 and "@" not in word and (letters >= digits or letters == 0)  # noqa: PLR2004


def _retry_after(value: str) -> float:
    return float(min(int(value), LONGEST_WAIT)) if _SECONDS.fullmatch(value) else 0.0
