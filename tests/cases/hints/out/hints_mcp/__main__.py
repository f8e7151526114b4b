"""`python -m hints_mcp` starts the server."""

from hints_mcp.server import main

main()
