"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "consulta_saldo": "legacy_mcp.tools.legacy",
    "estado": "legacy_mcp.tools.legacy",
    "por_defecto": "legacy_mcp.tools.legacy",
}
"""The module of each tool."""
