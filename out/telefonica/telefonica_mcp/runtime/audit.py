"""A line of JSON for each call: when, who, which tool, how it ended, in how many milliseconds; never its arguments.

And one for each that was refused at the door over HTTP: when, from where, why; never what it showed.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from ..errors import NotConfigured
from .scopes import caller_name, caller_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_NAME = 128
"""Characters of a name that is passed on: a caller may send any."""
REFUSALS_A_SECOND = 10
"""That are written down; of further ones the number. Who cannot get in shall not fill a disk."""

logger = logging.getLogger(__name__)


class AuditLog:
    """Middleware of a server. file: where the lines are added; `-` is stderr. Raises `NotConfigured`.

    A line is written at once and whole, so that several workers can share a file.
    """

    def __init__(self, file: str) -> None:
        try:
            # A pipe that nobody reads is an error, and holds up no call.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
            self._descriptor = sys.stderr.fileno() if file == "-" else os.open(file, flags, 0o600)
        except OSError as error:
            raise NotConfigured(
                f"The audit log {file} cannot be written.", "Name a file in a folder that is."
            ) from error
        self._refusals = _Refusals()

    def refused(self, address: str, caller: str, outcome: str) -> None:
        """Write down who was not let in."""
        unwritten = self._refusals.count()
        if unwritten is not None:
            about = {"caller": caller[:MAX_NAME], "address": address[:MAX_NAME], "outcome": outcome}
            self._add(about | ({"unwritten": unwritten} if unwritten else {}))

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass every message on, and write down how the calls of tools ended."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        begun, outcome = time.monotonic(), "cancelled"
        try:
            result = await call_next(ctx)
            outcome = _outcome(result)
        except MCPError:
            outcome = "protocol_error"
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            self._write(ctx, outcome, time.monotonic() - begun)
        return result

    def _write(self, context: ServerRequestContext[Any, Any], outcome: str, seconds: float) -> None:
        name = (context.params or {}).get("name")
        about = {
            "caller": caller_of(context).name[:MAX_NAME],
            "tool": name[:MAX_NAME] if isinstance(name, str) else "",
            "outcome": outcome[:MAX_NAME],
            "milliseconds": round(seconds * 1000, 1),
        }
        self._add(about)

    def _add(self, about: Mapping[str, Any]) -> None:
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **about}
        text = json.dumps(line).replace("\x7f", "\\u007f")  # ASCII, every other control character escaped
        try:
            os.write(self._descriptor, f"{text}\n".encode())
        except OSError as error:  # a full disk fails no call
            logger.error("The audit log cannot be written: %s", error.strerror)  # noqa: TRY400 - said in words


class Door:
    """An application behind authentication: who is not let in is written down."""

    OUTCOMES: Mapping[int, str] = {401: "unauthenticated", 403: "no_scope"}

    def __init__(self, app: ASGIApp, log: AuditLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes and what is answered."""

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start" and (outcome := self.OUTCOMES.get(message["status"])):
                token = getattr(scope.get("user"), "access_token", None)
                address, *_ = scope.get("client") or ("",)
                self._log.refused(address, caller_name(token), outcome)
            await send(message)

        await self._app(scope, receive, noted)


@dataclass(slots=True)
class _Refusals:
    """How many there were in this second."""

    _second: int = 0
    _written: int = 0
    _unwritten: int = 0

    def count(self) -> int | None:
        """One more: how many before it were not written down; None where it is not to be either."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written >= REFUSALS_A_SECOND:
            self._unwritten += 1
            return None
        unwritten, self._unwritten = self._unwritten, 0
        self._written += 1
        return unwritten


def _outcome(result: HandlerResult) -> str:
    """`ok`, or the code of the error that a result tells."""
    wire = result if isinstance(result, Mapping) else result.model_dump(by_alias=True) if result else {}
    if not wire.get("isError"):
        return "ok"
    try:
        return str(json.loads(wire["content"][0]["text"])["error"]["code"])
    except (LookupError, TypeError, ValueError):
        return "failed"
