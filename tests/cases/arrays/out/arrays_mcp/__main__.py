"""`python -m arrays_mcp` starts the server."""

from arrays_mcp.server import main

main()
