"""A line of JSON for each call: when, who, which tool, how it ended, in how many milliseconds; never its arguments."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from ..errors import NotConfigured
from .scopes import caller_of

MAX_NAME = 128
"""Characters of a name that is passed on: a caller may send any."""

logger = logging.getLogger(__name__)


class AuditLog:
    """Middleware of a server. file: where the lines are added; `-` is stderr. Raises `NotConfigured`.

    A line is written at once and whole, so that several workers can share a file.
    """

    def __init__(self, file: str) -> None:
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._descriptor = sys.stderr.fileno() if file == "-" else os.open(file, flags, 0o600)
        except OSError as error:
            raise NotConfigured(
                f"The audit log {file} cannot be written.", "Name a file in a folder that is."
            ) from error

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
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "caller": caller_of(context).name[:MAX_NAME],
            "tool": name[:MAX_NAME] if isinstance(name, str) else "",
            "outcome": outcome[:MAX_NAME],
            "milliseconds": round(seconds * 1000, 1),
        }
        text = json.dumps(line).replace("\x7f", "\\u007f")  # ASCII, every other control character escaped
        try:
            os.write(self._descriptor, f"{text}\n".encode())
        except OSError as error:  # a full disk fails no call
            logger.error("The audit log cannot be written: %s", error.strerror)  # noqa: TRY400 - said in words


def _outcome(result: HandlerResult) -> str:
    """`ok`, or the code of the error that a result tells."""
    wire = result if isinstance(result, Mapping) else result.model_dump(by_alias=True) if result else {}
    if not wire.get("isError"):
        return "ok"
    try:
        return str(json.loads(wire["content"][0]["text"])["error"]["code"])
    except (LookupError, TypeError, ValueError):
        return "failed"
