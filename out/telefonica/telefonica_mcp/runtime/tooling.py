"""An `MCPServer` whose tools cost nothing until they are called.

`tools/list` is answered from a listing that was made with the code; a tool's module is imported by the first call to
one of its tools.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.func_metadata import func_metadata
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    ListToolsResult,
    Tool,
)
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from ..errors import ApiError, Failed, InvalidArguments
from .context import Answer, Upstream, open_upstream
from .paging import Pages
from .results import Asked, failure, success

logger = logging.getLogger(__name__)

FunctionT = TypeVar("FunctionT", bound=Callable[..., Awaitable[Answer[Any]]])
LISTING_TTL_MS = 3_600_000


class ToolBox(dict[str, Callable[..., Awaitable[Answer[Any]]]]):
    """The functions of a module by the names of their tools: `@tools.add("name")` above each."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, Pages] = {}
        """How the lists of those tools come in pages whose answers do."""

    def add(self, name: str, *, pages: Pages | None = None) -> Callable[[FunctionT], FunctionT]:
        """Register a function as a tool. Its title, description and hints are in the listing."""

        def register(function: FunctionT) -> FunctionT:
            self[name] = function
            if pages:
                self.pages[name] = pages
            return function

        return register


@dataclass(frozen=True, slots=True)
class _Ready:
    """A tool that was called before: its function, its arguments, and how its list comes in pages."""

    function: Callable[..., Awaitable[Answer[Any]]]
    arguments: type[BaseModel]
    known: Mapping[str, str]
    """The names of its arguments, and of the function's."""
    optional: Sequence[str]
    """The arguments that need not be given."""
    pages: Pages | None


class ApiServer(MCPServer[Upstream]):
    """Lists tools as they were written down, and runs each behind its arguments' types.

    modules: the module of each group of tools, by the name of the tool. tags: of the tools that have some.
    environ: the settings.
    """

    def __init__(
        self,
        name: str,
        *,
        listing: Path,
        modules: Mapping[str, str],
        tags: Mapping[str, Sequence[str]] | None = None,
        environ: Mapping[str, str],
        **about: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            name,
            lifespan=lambda _: open_upstream(environ),
            log_level="WARNING",
            cache_hints={"tools/list": CacheHint(ttl_ms=LISTING_TTL_MS, scope="public")},
            **about,
        )
        self._listing = listing
        self._modules = modules
        self.tags: Mapping[str, Sequence[str]] = {name: (tags or {}).get(name, ()) for name in modules}
        """The tags of each tool that is offered."""
        self._ready: dict[str, _Ready] = {}

    @cached_property
    def _listed(self) -> list[Tool]:
        tools = ListToolsResult.model_validate_json(self._listing.read_bytes()).tools
        return [tool for tool in tools if tool.name in self.tags]

    def offer(self, names: Collection[str]) -> None:
        """Offer these tools alone: there is no other."""
        self.tags = {name: tags for name, tags in self.tags.items() if name in names}

    async def list_tools(self) -> list[Tool]:
        """The tools as they were written down, on one page."""
        return self._listed

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Upstream, Any] | None = None
    ) -> CallToolResult:
        """Run a tool. A failure is a result with `is_error` and, as JSON text, what `ApiError.to_dict` tells."""
        asked = Asked(name)
        try:
            tool = self._tool(name)
            asked = Asked(name, tool.optional, tool.pages)
            given = _arguments(tool, arguments)
            answer = await tool.function(context or Context(mcp_server=self), **given)
        except ApiError as error:
            return failure(error, asked)
        except MCPError:
            raise
        except Exception as error:
            logger.exception("Tool %r failed unexpectedly", name)
            return failure(Failed(f"The server failed ({type(error).__name__}).", "Its log says more."), asked)
        if tool.pages:
            asked = replace(asked, arguments=_written(tool, arguments, given))
        return success(answer, asked)

    def _tool(self, name: str) -> _Ready:
        if name not in self._ready:
            if name not in self.tags:
                raise MCPError(INVALID_PARAMS, f"Unknown tool: {name}")
            tools = importlib.import_module(self._modules[name]).tools
            function = tools[name]
            # `Tool.from_function` would write the schemas that the listing has, and not get to the end of deep types.
            arguments = func_metadata(function, skip_names=("ctx",), structured_output=False).arg_model
            fields = arguments.model_fields
            known = {str(field.validation_alias or own): own for own, field in fields.items()}
            optional = [called for called, own in known.items() if not fields[own].is_required()]
            self._ready[name] = _Ready(function, arguments, known, optional, tools.pages.get(name))
        return self._ready[name]


def _arguments(tool: _Ready, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in the function's types, exactly as they were sent. Raises `InvalidArguments`."""
    problems = [f"{name}: there is no such argument" for name in arguments if name not in tool.known]
    try:
        written = to_json(arguments)
        if b"Infinity" in written or b"NaN" in written:  # what 1e400 is read as, or the beginning of a word
            from_json(written, allow_inf_nan=False)
    except ValueError as error:  # or half of a surrogate pair, which only a caller in this process can pass
        message = "Nothing was sent: the arguments have no form in JSON."
        raise InvalidArguments(message, "Pass whole characters, and numbers that are finite.") from error
    try:
        valid = tool.arguments.model_validate_json(written, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        problems += [_said(one["loc"], one["msg"]) for one in error.errors(include_url=False, include_input=False)]
    if problems:
        hint = f"The tool's arguments are: {', '.join(tool.known)}."
        raise InvalidArguments(f"Nothing was sent: {'; '.join(problems[:20])}.", hint)
    return {name: _in_order(getattr(valid, name), arguments.get(key)) for key, name in tool.known.items()}


def _in_order(value: Any, given: Any) -> Any:  # noqa: ANN401 - JSON, and what it was read into
    """The value with the members of its objects in the order in which they were passed, in which they are written."""
    if isinstance(value, BaseModel) and isinstance(given, Mapping):
        fields = type(value).model_fields
        names = {fields[name].alias or name: name for name in fields}
        for key, inner in given.items():
            if key in names:
                _in_order(value.__dict__[names[key]], inner)
        passed = {name: value.__dict__[name] for key, name in ((key, names.get(key)) for key in given) if name}
        object.__setattr__(value, "__dict__", passed | {k: v for k, v in value.__dict__.items() if k not in passed})
    elif isinstance(value, list) and isinstance(given, list):
        for one, inner in zip(value, given, strict=False):
            _in_order(one, inner)
    elif isinstance(value, dict) and isinstance(given, Mapping):
        for key, inner in value.items():
            _in_order(inner, given.get(key))
    return value


def _written(tool: _Ready, arguments: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they were sent, and the defaults of those that were not."""
    return {key: given[name] for key, name in tool.known.items()} | dict(arguments)


def _said(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place)) or 'arguments'}: {message}"
