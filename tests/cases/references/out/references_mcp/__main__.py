"""`python -m references_mcp` starts the server."""

from references_mcp.server import main

main()
