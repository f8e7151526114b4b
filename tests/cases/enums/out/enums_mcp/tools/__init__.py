"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "find_tickets": "enums_mcp.tools.enums",
    "open_ticket": "enums_mcp.tools.enums",
}
"""The module of each tool."""
