"""`python -m enums_mcp` starts the server."""

from enums_mcp.server import main

main()
