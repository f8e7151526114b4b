"""`python -m mcp_codegen` is `mcp-codegen`."""

from mcp_codegen.cli import main

main()
