"""A session with an MCP server, held by a task of its own: a server that dies fails the calls, not the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio
from mcp import Client, MCPError
from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult, RequestParamsMeta
from pydantic import ValidationError

from ..errors import ApiError, Failed, InvalidArguments, RequestTooLarge, ServerLost, TimedOut

REQUEST_TIMEOUT = -32001
INVALID_PARAMS = -32602
CONNECTION_CLOSED = -32000
INTERNAL_ERROR = -32603
ENVELOPE = 1_000
"""Bytes that the protocol adds to a request, about."""


class Session:
    """Open it, call through it from any task, close it."""

    def __init__(self, client: Client, refusal: Callable[[], ApiError | None] = lambda: None) -> None:
        """refusal: what the server's door says, where it is what ended a call."""
        self._client = client
        self._refusal = refusal
        self._opened = asyncio.Event()
        self._closing = asyncio.Event()
        self._holder = asyncio.create_task(self._hold())

    async def open(self, seconds: float) -> None:
        """Wait for the server, for so many seconds. Raises `ServerLost` when there is none, or a mute one."""
        waiting = asyncio.create_task(self._opened.wait())
        try:
            await asyncio.wait({self._holder, waiting}, timeout=seconds, return_when="FIRST_COMPLETED")
        finally:
            waiting.cancel()
        if not self._opened.is_set():
            await self.close()
            if refused := self._refusal():
                raise refused
            why = f" ({self._end()})" if self._end() else f" within {seconds:g} seconds"
            hint = "Is it running, and is the address or the command right? Its own output says more."
            raise ServerLost(f"The MCP server cannot be reached{why}.", hint)

    async def call(
        self, tool: str, arguments: dict[str, object], meta: RequestParamsMeta | None = None
    ) -> CallToolResult:
        """The tool's result. Raises `ApiError` when there is none.

        Not `Client.call_tool`: that lists every tool first and checks the answer a second time, much slower.
        """
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments, _meta=meta))
        if self._closing.is_set() or self._holder.done():
            raise _lost()
        try:
            return await self._client.session.send_request(request, CallToolResult)
        except MCPError as error:
            raise self._refusal() or _too_large(error, request) or _translated(error, tool) from error
        except ValidationError as error:
            hint = "Is it the server that this client was generated with?"
            raise Failed(f"What answered {tool} does not speak MCP as agreed.", hint) from error
        except (OSError, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise _lost() from error

    async def close(self) -> None:
        """End the session; a server that was launched ends with it."""
        self._closing.set()
        if not self._opened.is_set():
            self._holder.cancel()
        with anyio.CancelScope(shield=True):  # a caller that is cancelled leaves no server behind
            await asyncio.wait({self._holder})
        self._end()  # told to the calls already

    async def _hold(self) -> None:
        async with self._client:
            self._opened.set()
            await self._closing.wait()

    def _end(self) -> str:
        """The kind of the one real error inside the groups that task groups wrap around it."""
        error = None if self._holder.cancelled() else self._holder.exception()
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        return type(error).__name__ if error else ""


def _lost() -> ServerLost:
    return ServerLost("The MCP server has ended, or the connection to it broke.", "Open a new client.")


def _too_large(error: MCPError, request: CallToolRequest) -> RequestTooLarge | None:
    """What the SDK's client makes of HTTP 413: an error without the status, so that only the size tells."""
    if error.code != INTERNAL_ERROR:
        return None
    size = len(request.model_dump_json(by_alias=True, exclude_unset=True)) + ENVELOPE
    if size <= DEFAULT_MAX_REQUEST_BODY_SIZE:
        return None
    told = f"The arguments of {request.params.name} are {size / 1e6:.1f} MB of JSON"
    most = f"over HTTP the MCP server takes {DEFAULT_MAX_REQUEST_BODY_SIZE / 1e6:.1f} MB"
    return RequestTooLarge(f"{told}; {most}.", "Pass less, or run the server over stdio or in this process.")


def _translated(error: MCPError, tool: str) -> ApiError:
    if error.code == REQUEST_TIMEOUT:
        return TimedOut(f"The MCP server gave no answer to {tool} in time.", "Raise read_timeout, or try again.")
    if error.code == CONNECTION_CLOSED:
        return _lost()
    if error.code == INVALID_PARAMS:
        return InvalidArguments(f"The MCP server refused {tool}: {error.message}.", "Generate server and client anew.")
    return Failed(f"The MCP server failed at {tool}: {error.message}", "Its log says more.")
