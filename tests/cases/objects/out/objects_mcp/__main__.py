"""`python -m objects_mcp` starts the server."""

from objects_mcp.server import main

main()
