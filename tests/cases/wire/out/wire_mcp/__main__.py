"""`python -m wire_mcp` starts the server."""

from wire_mcp.server import main

main()
