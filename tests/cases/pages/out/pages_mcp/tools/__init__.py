"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "list_bills": "pages_mcp.tools.pages",
    "get_bill": "pages_mcp.tools.pages",
    "export_bills": "pages_mcp.tools.pages",
    "searchBills": "pages_mcp.tools.pages",
    "list_events": "pages_mcp.tools.pages",
    "list_issues": "pages_mcp.tools.pages",
    "iter_list_issues": "pages_mcp.tools.pages",
    "list_anything": "pages_mcp.tools.pages",
}
"""The module of each tool."""
