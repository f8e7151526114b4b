"""Every form of request and answer over MCP: `server` serves its tools, `client` calls them."""

__version__ = "1.0.0"
