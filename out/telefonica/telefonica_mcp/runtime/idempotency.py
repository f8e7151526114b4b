"""How an upstream knows a call again: by a key that stays the same in all of its attempts."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from mcp.server.mcpserver import Context

META_KEY = "mcp-codegen/idempotencyKey"
"""The key of a call's metadata under which its caller gives the key, should it ever make the call again."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(ctx: Context[Any]) -> str:
    """The caller's own key for this call, or one that no other call has."""
    given = (ctx.request_context.meta or {}).get(META_KEY)
    return given if isinstance(given, str) and _KEY.fullmatch(given) else str(uuid4())
