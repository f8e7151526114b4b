"""`python -m nested_mcp` starts the server."""

from nested_mcp.server import main

main()
