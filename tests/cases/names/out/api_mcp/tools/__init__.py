"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "getA": "api_mcp.tools.get",
    "get_a": "api_mcp.tools.get_5fb9c3",
    "Obtener_el_numero_7c0b09": "api_mcp.tools.api",
    "connect": "api_mcp.tools.api",
    "print": "api_mcp.tools.api",
}
"""The module of each tool."""

TAGS = {
    "getA": ["get"],
    "get_a": ["Get"],
}
"""The tags of tools, as the catalog has them."""
