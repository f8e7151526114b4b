"""`python -m groups_mcp` starts the server."""

from groups_mcp.server import main

main()
