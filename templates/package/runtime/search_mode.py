"""A few tools in place of hundreds: one finds tools by words and tags, one describes a tool, one calls it.

The listing of a large catalog fills a model's context, and many tools make it choose badly. Here a model is shown three
tools, and finds the others when it needs them. What stands behind is the same: a call through `call_tool` is, for all
that comes after, a call of the tool itself, with its scopes, its line in the audit log and its checks. Programs that
know a tool's name may call it directly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from ..errors import ApiError, InvalidArguments
from .ranking import ToolIndex
from .results import Asked, failure
from .scopes import caller_of, including
from .tooling import ApiServer

MAX_FOUND = 25
LONGEST_SUMMARY = 300
"""Characters of a description among what was found."""
MOST_TAGS = 40


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FindTools(_Given):
    """Find the tools that do what you want, best first. Say it in a few words, as the API would; then call one with
    call_tool, or read its arguments with describe_tool before."""

    query: str = Field("", max_length=1000, description="What it should do, such as: list unpaid invoices")
    tags: list[str] = Field([], max_length=MOST_TAGS, description="Only tools that have one of these")
    limit: int = Field(5, ge=1, le=MAX_FOUND, description="How many")


class DescribeTool(_Given):
    """Everything about one tool: what it does, the JSON Schema of its arguments and of its answer."""

    name: str = Field(max_length=200, description="As find_tools tells it")


class CallTool(_Given):
    """Call a tool. What its arguments are, find_tools tells in short and describe_tool in full."""

    name: str = Field(max_length=200, description="As find_tools tells it")
    arguments: dict[str, Any] = Field({}, description="The tool's own arguments")


GivenT = TypeVar("GivenT", bound=_Given)


@dataclass(frozen=True, slots=True)
class _Visible:
    """What a caller may see: the listing's envelope, its tools by name, and their index."""

    envelope: Mapping[str, Any]
    tools: Mapping[str, Mapping[str, Any]]
    index: ToolIndex


class ToolSearch:
    """Middleware of a server, before all other: lists three tools, and answers the calls of them."""

    def __init__(self, server: ApiServer) -> None:
        self._tags = server.tags
        self._find, self._describe, self._call = names(server.tags)
        self._visible: dict[tuple[str, ...], _Visible] = {}

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Answer, or pass on."""
        if ctx.method == "tools/list":
            visible = await self._seen(ctx, call_next)
            return {**visible.envelope, "tools": self._listing(visible)}
        if ctx.method != "tools/call":
            return await call_next(ctx)
        params = ctx.params or {}
        try:
            if params.get("name") == self._find:
                return self._found(await self._seen(ctx, call_next), _read(FindTools, params))
            if params.get("name") == self._describe:
                asked = _read(DescribeTool, params)
                return _result(self._tool(await self._seen(ctx, call_next), asked.name))
            if params.get("name") == self._call:
                wanted = _read(CallTool, params)
                if wanted.name not in self._tags:
                    self._tool(await self._seen(ctx, call_next), wanted.name)  # says which are near
                ctx = replace(ctx, params={**params, "name": wanted.name, "arguments": wanted.arguments})
        except ApiError as error:
            return failure(error, Asked(str(params.get("name"))))
        return await call_next(ctx)

    async def _seen(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> _Visible:
        """What this caller may see, as those further on decide.

        Remembered for all who hold the same scopes, and speak the same version: each has an envelope of its own.
        """
        kind = (ctx.protocol_version, *including(caller_of(ctx).scopes))
        if kind not in self._visible:
            about = {"_meta": (ctx.params or {}).get("_meta", {})}
            result = await call_next(replace(ctx, method="tools/list", params=about))
            if not isinstance(result, dict):  # the SDK passes on what goes over the wire
                raise TypeError(f"expected a listing, got {type(result).__name__}")
            tools = {str(tool["name"]): tool for tool in result["tools"]}
            self._visible[kind] = _Visible(result, tools, ToolIndex(result["tools"], self._tags))
        return self._visible[kind]

    def _listing(self, visible: _Visible) -> list[dict[str, Any]]:
        hints = [tool.get("annotations", {}) for tool in visible.tools.values()]
        reads = {"readOnlyHint": True}
        calls = reads if all(one.get("readOnlyHint") for one in hints) else {"readOnlyHint": False}
        calls |= {} if any(one.get("destructiveHint", True) for one in hints) else {"destructiveHint": False}
        about = f" There are {len(visible.tools)} tools."
        return [
            _shown(self._find, FindTools, reads, about + self._tags_said(visible)),
            _shown(self._describe, DescribeTool, reads),
            _shown(self._call, CallTool, calls),
        ]

    def _tags_said(self, visible: _Visible) -> str:
        tags = list(dict.fromkeys(tag for name in visible.tools for tag in self._tags.get(name, ())))
        more = ", …" if len(tags) > MOST_TAGS else ""
        return f" Tags: {', '.join(tag[:60] for tag in tags[:MOST_TAGS])}{more}." if tags else ""

    def _found(self, visible: _Visible, asked: FindTools) -> CallToolResult:
        best = visible.index.find(asked.query, asked.tags, asked.limit)
        return _result({"tools": [_summary(visible.tools[name], self._tags.get(name, ())) for name in best]})

    def _tool(self, visible: _Visible, name: str) -> Mapping[str, Any]:
        """The tool of that name. Raises `InvalidArguments`."""
        if name not in visible.tools:
            near = visible.index.find(name)
            hint = f"The nearest are: {', '.join(near)}." if near else f"{self._find} finds tools by words."
            raise InvalidArguments("Nothing was called: there is no tool of that name.", hint)
        return visible.tools[name]


def names(taken: Iterable[str]) -> tuple[str, str, str]:
    """What the three are called that find, describe and call tools, beside those of the catalog."""
    others = frozenset(taken)
    return _free("find_tools", others), _free("describe_tool", others), _free("call_tool", others)


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or the next one that no tool of the catalog has."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _read(model: type[GivenT], params: Mapping[str, Any]) -> GivenT:
    """The arguments of one of the three. Raises `InvalidArguments`."""
    try:
        return model.model_validate(params.get("arguments") or {})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        said = [f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}" for one in problems]
        hint = f"The arguments are: {', '.join(model.model_fields)}."
        raise InvalidArguments(f"Nothing was called: {'; '.join(said[:20])}.", hint) from error


def _shown(name: str, model: type[_Given], hints: Mapping[str, Any], more: str = "") -> dict[str, Any]:
    schema = model.model_json_schema()
    for about in schema["properties"].values():
        del about["title"]  # pydantic's own
    return {
        "name": name,
        "description": " ".join((model.__doc__ or "").split()) + more,
        "inputSchema": {key: said for key, said in schema.items() if key not in ("title", "description")},
        "annotations": dict(hints),
    }


def _summary(tool: Mapping[str, Any], tags: Sequence[str]) -> dict[str, Any]:
    """A tool in short: what it does, and its arguments with their types, `?` behind those that may be left out."""
    schema, hints = tool["inputSchema"], tool.get("annotations", {})
    required = set(schema.get("required", ()))
    arguments = {
        name: f"{_type(about)}{'' if name in required else '?'}" for name, about in schema.get("properties", {}).items()
    }
    known = {
        "name": tool["name"],
        "title": tool.get("title"),
        "description": _cut(tool.get("description", "")),
        "arguments": arguments,
        "tags": list(tags),
        "readOnlyHint": hints.get("readOnlyHint"),
        "destructiveHint": hints.get("destructiveHint"),
    }
    return {key: value for key, value in known.items() if value not in (None, "", [])}


def _type(schema: Mapping[str, Any]) -> str:
    """The JSON types of a value; `any` where none is named."""
    kinds = schema.get("type", "any")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SUMMARY else f"{text[: LONGEST_SUMMARY - 1]}…"


def _result(data: Mapping[str, Any]) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=to_json(data).decode())], structured_content=dict(data)
    )
