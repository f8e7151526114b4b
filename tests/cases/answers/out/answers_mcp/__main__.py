"""`python -m answers_mcp` starts the server."""

from answers_mcp.server import main

main()
