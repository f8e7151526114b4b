"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "deuda_fija": "telefonica_mcp.tools.telefonica",
    "listado_de_boletas_fija": "telefonica_mcp.tools.telefonica",
    "retrieve_invoice_link": "telefonica_mcp.tools.telefonica",
}
"""The module of each tool."""
