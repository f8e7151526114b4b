"""`python -m composed_mcp` starts the server."""

from composed_mcp.server import main

main()
