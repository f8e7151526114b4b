"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "search": "wire_mcp.tools.wire",
    "submit": "wire_mcp.tools.wire",
    "submit_either": "wire_mcp.tools.wire",
    "upload": "wire_mcp.tools.wire",
    "note": "wire_mcp.tools.wire",
    "picture": "wire_mcp.tools.wire",
    "patch": "wire_mcp.tools.wire",
}
"""The module of each tool."""
