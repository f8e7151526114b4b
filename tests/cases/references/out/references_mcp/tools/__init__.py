"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "transfer": "references_mcp.tools.references",
    "list_accounts": "references_mcp.tools.references",
    "find_account": "references_mcp.tools.references",
    "find_owner": "references_mcp.tools.references",
    "balance": "references_mcp.tools.references",
}
"""The module of each tool."""
