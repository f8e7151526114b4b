"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "create_order": "nested_mcp.tools.nested",
}
"""The module of each tool."""
