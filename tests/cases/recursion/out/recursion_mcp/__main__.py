"""`python -m recursion_mcp` starts the server."""

from recursion_mcp.server import main

main()
