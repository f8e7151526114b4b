"""`python -m mcp_codegen.orchestrator` is `mcp-orchestrator`."""

from mcp_codegen.orchestrator.cli import main

main()
