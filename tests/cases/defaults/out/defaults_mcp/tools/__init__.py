"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "list_pages": "defaults_mcp.tools.defaults",
}
"""The module of each tool."""
