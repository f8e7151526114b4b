"""An agent of Microsoft Agent Framework over the server: the chat model chooses, the server checks and calls.

The framework comes with the package's extra `agent`, and is imported only here, when an agent is made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotConfigured
from .calling import NETWORK_VARIABLES, ApiClient
from .scopes import needed

if TYPE_CHECKING:
    from agent_framework import Agent, MCPStdioTool  # type: ignore[import-not-found, unused-ignore]

PACKAGE = __package__.rpartition(".")[0]
CALL_SECONDS = 120
SERVER_ARGUMENTS = ("--tools", "auto")
LISTING = Path(__file__).parent.parent / "tools.json"


def passed(client: type[ApiClient], environ: Mapping[str, str]) -> dict[str, str]:
    """The server's own settings, and what it may need to know of the machine's network; nothing else goes to it."""
    return {name: environ[name] for name in (*client.variables, *NETWORK_VARIABLES) if name in environ}


def mcp_tool(name: str, environ: Mapping[str, str], *, read_only: bool) -> MCPStdioTool:
    """The server as a tool of the framework, started with these settings when it is entered.

    A call of a tool that changes something waits for approval; with `read_only` there is no such tool.
    """
    tool: MCPStdioTool = _optional("agent_framework").MCPStdioTool(
        name=name,
        command=sys.executable,
        args=["-P", "-m", PACKAGE, *SERVER_ARGUMENTS, *(["--read-only"] if read_only else [])],
        env={**environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        load_prompts=False,
        request_timeout=CALL_SECONDS,
        approval_mode="never_require" if read_only else approvals(),
    )
    return tool


def agent(tool: MCPStdioTool, name: str, instructions: str, environ: Mapping[str, str]) -> Agent:
    """An agent with this tool and the chat model that the settings name. Raises `NotConfigured`."""
    kind = _optional("agent_framework").Agent
    made: Agent = kind(client=_chat_client(environ), name=name, instructions=instructions, tools=[tool])
    return made


def approvals() -> dict[str, list[str]]:
    """Only what changes nothing is called without being asked for; which of the others a search calls, nobody knows."""
    from mcp_types import ListToolsResult  # noqa: PLC0415 - the listing is read once, where an agent is made

    from .search_mode import names  # noqa: PLC0415 - the same

    tools = ListToolsResult.model_validate_json(LISTING.read_bytes()).tools
    reading = [tool.name for tool in tools if needed(tool.annotations) == "read"]
    others = [tool.name for tool in tools if needed(tool.annotations) != "read"]
    find, describe, call = names(tool.name for tool in tools)
    return {"always_require_approval": [*others, call], "never_require_approval": [*reading, find, describe]}


def _chat_client(environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - of a package that may not be there
    clients = _optional("agent_framework.openai")
    if endpoint := environ.get("AZURE_OPENAI_ENDPOINT", "").strip():
        return clients.OpenAIChatCompletionClient(
            model=_setting(environ, "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "the name of the model's deployment"),
            azure_endpoint=endpoint,
            api_version=environ.get("AZURE_OPENAI_API_VERSION") or None,
            **_azure_credential(environ),
        )
    if not environ.get("OPENAI_API_KEY"):
        message = "No chat model is configured."
        raise NotConfigured(message, "Set AZURE_OPENAI_ENDPOINT, or OPENAI_API_KEY and OPENAI_MODEL.")
    return clients.OpenAIChatCompletionClient(
        model=_setting(environ, "OPENAI_MODEL", "the name of the model"),
        api_key=environ["OPENAI_API_KEY"],
        base_url=environ.get("OPENAI_BASE_URL") or None,
    )


def _azure_credential(environ: Mapping[str, str]) -> dict[str, Any]:
    """The key, or else who this process is in Microsoft Entra ID."""
    if key := environ.get("AZURE_OPENAI_API_KEY"):
        return {"api_key": key}
    return {"credential": _optional("azure.identity.aio", "azure-identity").DefaultAzureCredential()}


def _setting(environ: Mapping[str, str], name: str, what: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise NotConfigured(f"{name} is not set.", f"It is {what}.")
    return value


def _optional(module: str, distribution: str = "") -> Any:  # noqa: ANN401 - of a package that may not be there
    """A module of what the extra `agent` brings, or of another distribution. Raises `NotConfigured`."""
    try:
        return import_module(module)
    except ImportError as error:
        wanted = distribution or f"'{PACKAGE.replace('_', '-')}[agent]'"
        what = distribution or "Microsoft Agent Framework"
        raise NotConfigured(f"{what} is not installed.", f"pip install {wanted}") from error
