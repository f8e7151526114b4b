"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "one": "gateways_mcp.tools.gateways",
    "two": "gateways_mcp.tools.gateways",
    "three": "gateways_mcp.tools.gateways",
    "four": "gateways_mcp.tools.gateways",
    "five": "gateways_mcp.tools.gateways",
    "six": "gateways_mcp.tools.gateways",
    "seven": "gateways_mcp.tools.gateways",
    "eight": "gateways_mcp.tools.gateways",
    "nine": "gateways_mcp.tools.gateways",
    "ten": "gateways_mcp.tools.gateways",
    "eleven": "gateways_mcp.tools.gateways",
}
"""The module of each tool."""
