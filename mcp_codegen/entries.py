"""What a package says of itself where servers are listed: in settings of hosts, and in registries of MCP servers."""

from __future__ import annotations

from typing import Any, Final

from mcp_codegen.package import Package, Setting

_LONGEST: Final = 100
"""Characters that a registry takes of a title and of a description."""


def host_entry(package: Package) -> dict[str, Any]:
    """What Claude Desktop, Cursor and others read as `mcpServers`, VS Code as `servers`."""
    server = {
        "type": "stdio",
        "command": package.distribution,
        "args": [],
        "env": {setting.name: setting.sample for setting in package.settings if not setting.optional},
    }
    return {"mcpServers": {package.name: server}, "servers": {package.name: server}}


def registry_entry(package: Package) -> dict[str, Any]:
    """What registries of MCP servers read as `server.json` (the schema's version of 2025-12-11)."""
    published = {
        "registryType": "pypi",
        "identifier": package.distribution,
        "version": package.version,
        "runtimeHint": "uvx",
        "transport": {"type": "stdio"},
        "environmentVariables": [_variable(setting) for setting in package.settings],
    }
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": package.registry_name,
        "title": _cut(package.title),
        "description": _cut(package.description or f"MCP server and typed client of {package.title}"),
        "version": package.version,
        "packages": [published],
    }


def _variable(setting: Setting) -> dict[str, Any]:
    known: dict[str, Any] = {"name": setting.name, "description": setting.doc, "isRequired": not setting.optional}
    if setting.secret:
        return known | {"isSecret": True}
    return known | {"default" if setting.optional else "placeholder": setting.sample}


def _cut(text: str) -> str:
    """As much of a text as registries take, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
