"""`python -m yaml_mcp` starts the server."""

from yaml_mcp.server import main

main()
