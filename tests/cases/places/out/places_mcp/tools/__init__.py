"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "list_orders": "places_mcp.tools.places",
    "change_order": "places_mcp.tools.places",
    "delete_order": "places_mcp.tools.places",
    "count_orders": "places_mcp.tools.places",
}
"""The module of each tool."""
