"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "list-things": "yaml_mcp.tools.yaml",
}
"""The module of each tool."""
