"""`python -m telefonica_mcp` starts the server."""

from telefonica_mcp.server import main

main()
