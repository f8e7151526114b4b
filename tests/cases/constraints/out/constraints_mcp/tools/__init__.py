"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "measure": "constraints_mcp.tools.constraints",
}
"""The module of each tool."""
