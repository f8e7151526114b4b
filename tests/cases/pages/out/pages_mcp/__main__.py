"""`python -m pages_mcp` starts the server."""

from pages_mcp.server import main

main()
