"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "multiply": "arrays_mcp.tools.arrays",
    "search": "arrays_mcp.tools.arrays",
}
"""The module of each tool."""
