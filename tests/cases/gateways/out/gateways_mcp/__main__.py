"""`python -m gateways_mcp` starts the server."""

from gateways_mcp.server import main

main()
