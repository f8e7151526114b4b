"""`python -m api_mcp` starts the server."""

from api_mcp.server import main

main()
