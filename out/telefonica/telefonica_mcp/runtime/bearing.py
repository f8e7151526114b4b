"""Streamable HTTP to an MCP server, with the caller's token, and what the server said to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
from mcp.client import Transport
from mcp.client.streamable_http import streamable_http_client

from ..errors import NotAllowed, NotConfigured
from .settings import Settings, is_trustworthy

READ_SECONDS = 300.0
"""A server may be silent for so long while it answers; the session's own time-outs are shorter."""
CONNECT_SECONDS = 30.0
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class Bearer:
    """A way to a URL. token: of the caller, empty for none. Raises `NotConfigured` for one that may not go there.

    It goes to that server alone: the SDK follows redirects only inside of it.
    """

    def __init__(self, url: str, token: str = "") -> None:
        if token:
            token = Settings({"token": token}).secret("token")
            if not is_trustworthy(url):
                hint = "Use an https URL; http only on this machine."
                raise NotConfigured("Nothing was sent: the token would go over an open connection.", hint)
        self._url = url
        self._token = token
        self._status = 0

    def transport(self) -> Transport:
        """What the SDK's client takes. Open it once."""
        opened: AbstractAsyncContextManager[Any] = self._open()
        return opened

    def refusal(self) -> NotAllowed | None:
        """What the server's last answer means, if it was that it wants another token."""
        if self._status == _UNAUTHORIZED:
            said = "did not accept the token" if self._token else "wants to know who calls"
            hint = "Pass a current one: connect(url, token=…), or MCP_TOKEN for mcp-orchestrator."
            return NotAllowed(f"Nothing was sent to an API: the MCP server {said} (HTTP 401).", hint)
        if self._status == _FORBIDDEN and self._token:
            hint = "Ask for one that has at least the scope read."
            return NotAllowed("Nothing was sent to an API: the token allows nothing here (HTTP 403).", hint)
        return None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Any]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        timeout = httpx2.Timeout(CONNECT_SECONDS, read=READ_SECONDS)
        hooks = {"response": [self._note]}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks=hooks) as http,
            streamable_http_client(self._url, http_client=http) as streams,
        ):
            yield streams

    async def _note(self, response: httpx2.Response) -> None:
        self._status = response.status_code
