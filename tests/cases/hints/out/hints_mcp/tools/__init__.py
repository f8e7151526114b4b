"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "read": "hints_mcp.tools.hints",
    "read_by_post": "hints_mcp.tools.hints",
    "write": "hints_mcp.tools.hints",
    "add": "hints_mcp.tools.hints",
    "put": "hints_mcp.tools.hints",
    "get_that_writes": "hints_mcp.tools.hints",
}
"""The module of each tool."""
