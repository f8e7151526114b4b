"""Run inside the framework's environment: which calls would wait for a person."""

import json
import sys

from telefonica_mcp.agent import create_mcp_tool

tool = create_mcp_tool({}, read_only="--read-only" in sys.argv)
print(json.dumps([tool.approval_mode, tool.args, sorted(tool.env)]))
