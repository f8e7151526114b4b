"""Many doors over MCP: `server` serves its tools, `client` calls them."""

__version__ = "2.1.0rc1"
