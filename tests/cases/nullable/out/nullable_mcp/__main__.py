"""`python -m nullable_mcp` starts the server."""

from nullable_mcp.server import main

main()
