"""Who may call what: a tool needs the scope that its hints say, and a caller has scopes.

Each scope includes those before it: `read` lets call the tools that only read, `write` those too that change things
without destroying any, `destructive` all. A tool of which nothing is said needs the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic_core import to_json

from ..errors import NotAllowed
from .tooling import ApiServer

if TYPE_CHECKING:
    from mcp.server.auth.provider import AccessToken

Scope = Literal["read", "write", "destructive"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


def needed(annotations: ToolAnnotations | None) -> Scope:
    """The scope that a tool needs, by its hints; what nothing is said of may destroy, as MCP has it."""
    if annotations is not None and annotations.read_only_hint:
        return "read"
    if annotations is not None and annotations.destructive_hint is False:
        return "write"
    return "destructive"


def including(scopes: Iterable[str]) -> tuple[Scope, ...]:
    """These scopes and those that they include; names that are none count for nothing."""
    held = set(scopes)
    highest = max((place for place, scope in enumerate(SCOPES, 1) if scope in held), default=0)
    return SCOPES[:highest]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and with which scopes. The name is empty where nobody is asked for one."""

    name: str = ""
    scopes: tuple[str, ...] = SCOPES


def caller_of(context: ServerRequestContext[Any, Any]) -> Caller:
    """The caller that HTTP has authenticated; over stdio, or where no authentication is set up, anybody."""
    user = context.request.scope.get("user") if context.request is not None else None
    token = getattr(user, "access_token", None)
    if token is None:
        return Caller()
    return Caller(caller_name(token), tuple(token.scopes))


def caller_name(token: AccessToken | None) -> str:
    """What an authenticated caller is called; empty for none."""
    if token is None:
        return ""
    return token.client_id if token.claims is None else f"token:{token.subject or token.client_id}"


class Access:
    """Middleware of a server: what a caller may not call is not listed to that caller, and refused.

    most: the highest scope that anybody has here.
    """

    def __init__(self, server: ApiServer, *, most: Scope = "destructive") -> None:
        self._server = server
        self._most = including([most])
        self._needed: dict[str, Scope] = {}

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Let through, or answer `not_allowed`."""
        if ctx.method == "tools/list":
            caller = caller_of(ctx)
            return await self._listing(await call_next(ctx), caller)
        if ctx.method == "tools/call":
            problem = await self._problem(ctx.params or {}, caller_of(ctx))
            if problem:
                text = TextContent(type="text", text=to_json({"error": problem.to_dict()}).decode())
                return CallToolResult(content=[text], is_error=True)
        return await call_next(ctx)

    async def _listing(self, result: HandlerResult, caller: Caller) -> HandlerResult:
        if not isinstance(result, dict):  # the SDK passes on what goes over the wire
            raise TypeError(f"expected a listing, got {type(result).__name__}")
        scopes = await self._scopes()
        seen = [tool for tool in result["tools"] if self._may(scopes.get(tool["name"]), caller)]
        private = {"cacheScope": "private"} if caller.name and "cacheScope" in result else {}
        return {**result, "tools": seen, **private}

    async def _problem(self, params: Mapping[str, Any], caller: Caller) -> NotAllowed | None:
        name = params.get("name")
        scope = (await self._scopes()).get(name) if isinstance(name, str) else None
        if scope is None or self._may(scope, caller):  # an unknown tool is told so further on
            return None
        if scope not in self._most:
            return NotAllowed(f"This server only reads, and {name} does not.", "Call a tool that only reads.")
        hint = "Ask for it where your credential comes from, or call another tool."
        return NotAllowed(f"{name} needs the scope {scope}, which your credential does not have.", hint)

    def _may(self, scope: Scope | None, caller: Caller) -> bool:
        return scope is not None and scope in self._most and scope in caller.scopes

    async def _scopes(self) -> Mapping[str, Scope]:
        if not self._needed:
            tools: Sequence[Tool] = await self._server.list_tools()
            self._needed = dict.fromkeys(self._server.tags, needed(None))  # though it were not listed
            self._needed |= {tool.name: needed(tool.annotations) for tool in tools}
        return self._needed
