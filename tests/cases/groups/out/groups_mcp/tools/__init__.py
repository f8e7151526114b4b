"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "a": "groups_mcp.tools.facturacion",
    "c": "groups_mcp.tools.facturacion",
    "b": "groups_mcp.tools.common_",
    "d": "groups_mcp.tools.groups",
}
"""The module of each tool."""

TAGS = {
    "a": ["Facturación", "more"],
    "c": ["Facturación"],
    "b": ["common"],
}
"""The tags of tools, as the catalog has them."""
