"""`python -m defaults_mcp` starts the server."""

from defaults_mcp.server import main

main()
