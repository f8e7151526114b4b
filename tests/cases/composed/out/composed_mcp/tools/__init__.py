"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "pay": "composed_mcp.tools.composed",
    "accounts": "composed_mcp.tools.composed",
}
"""The module of each tool."""
