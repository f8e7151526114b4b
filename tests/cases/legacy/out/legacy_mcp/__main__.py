"""`python -m legacy_mcp` starts the server."""

from legacy_mcp.server import main

main()
