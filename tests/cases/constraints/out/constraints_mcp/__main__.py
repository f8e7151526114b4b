"""`python -m constraints_mcp` starts the server."""

from constraints_mcp.server import main

main()
