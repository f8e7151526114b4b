"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "find_events": "dates_mcp.tools.dates",
}
"""The module of each tool."""
