"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "set_labels": "objects_mcp.tools.objects",
    "count_labels": "objects_mcp.tools.objects",
    "empty_answer": "objects_mcp.tools.objects",
}
"""The module of each tool."""
