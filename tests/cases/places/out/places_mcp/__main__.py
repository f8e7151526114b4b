"""`python -m places_mcp` starts the server."""

from places_mcp.server import main

main()
