"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "read_folder": "recursion_mcp.tools.recursion",
    "write_folder": "recursion_mcp.tools.recursion",
}
"""The module of each tool."""
