"""httpx over aiohttp's connections: many times cheaper than httpx's own pool at tens of requests in flight.

The URL goes out exactly as it was built, no cookie is kept, and no `.netrc` is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

from .redirects import target

CHUNK = 16_384
CONNECTIONS = 100
CONNECT_TIMEOUT = 5.0


def open_http() -> httpx.AsyncClient:
    """A client whose requests carry nothing of another's answer."""
    return _Client(AiohttpTransport(connections=CONNECTIONS, connect_timeout=CONNECT_TIMEOUT))


class _Client(httpx.AsyncClient):
    """httpx's, and a request goes out without its log, which has whole URLs, and its reading of redirects."""

    def __init__(self, transport: AiohttpTransport) -> None:
        super().__init__(
            transport=transport,
            headers={"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "User-Agent": "mcp-codegen"},
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
            timeout=None,  # the caller bounds the time of a call as a whole
        )
        self._aiohttp = transport

    async def send(
        self, request: httpx.Request, *, stream: bool = False, **_: Any  # noqa: ANN401 - as httpx has them
    ) -> httpx.Response:
        """The answer, with its body or, as a stream, for whoever asked to read. Raises `httpx.TransportError`."""
        try:
            response = await self._aiohttp.handle_async_request(request)
        except httpx.TransportError as error:
            error.request = request
            raise
        location = response.headers.get("location", "")
        if location and target(str(request.url), location) is None:
            del response.headers["location"]  # what is no URL leads nowhere
        if not stream:
            await response.aread()
        return response


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests. Raises `httpx.TransportError`; the caller bounds the time of a call."""

    def __init__(self, *, connections: int, connect_timeout: float) -> None:
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout)
        self._proxies = getproxies()

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        """Opened by the first request, which runs in the event loop that will use it."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=httpx.create_ssl_context()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=self._timeout,
        )
        # It would send a request again by itself, unseen, by its method alone. Only its own tests switch that off.
        session._retry_connection = False
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the answer's body is read by whoever reads the response."""
        try:
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                proxy=self._proxy(request.url),
                skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a host or a proxy that is none
            raise _translated(error) from error
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response), request=request)

    async def aclose(self) -> None:
        """Close every connection."""
        if "_session" in self.__dict__:
            await self._session.close()

    def _proxy(self, url: httpx.URL) -> str | None:
        """The machine's proxy for this URL, which may be written without its scheme."""
        proxy = self._proxies.get(url.scheme)
        if not proxy or proxy_bypass(url.host):
            return None
        scheme, has_scheme, _ = proxy.partition("://")
        if has_scheme and scheme.lower() not in ("http", "https"):
            raise httpx.ProxyError("Only HTTP proxies can be used.")
        return proxy if has_scheme else f"http://{proxy}"


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_chunked(CHUNK):
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error) from error

    async def aclose(self) -> None:
        self._response.release()  # back to the pool if it was read to its end, else closed


def _translated(error: Exception) -> httpx.TransportError:
    if isinstance(error, TimeoutError):
        return httpx.ConnectTimeout("The connection could not be opened in time.")
    if isinstance(error, aiohttp.ClientConnectorError | ValueError):
        return httpx.ConnectError("The connection could not be opened.")
    return httpx.ReadError("The connection broke.")
