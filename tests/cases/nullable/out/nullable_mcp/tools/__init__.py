"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "save_person": "nullable_mcp.tools.nullable",
}
"""The module of each tool."""
