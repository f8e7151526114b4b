"""`python -m dates_mcp` starts the server."""

from dates_mcp.server import main

main()
