"""mcp-codegen: compile an API catalog into an MCP server and a typed client, and run processes over that client."""

__version__ = "0.1.0"
