"""The tools, in modules that are imported by the first call to one of their tools."""

MODULES = {
    "nothing_said": "answers_mcp.tools.answers",
    "anything": "answers_mcp.tools.answers",
    "text": "answers_mcp.tools.answers",
    "number": "answers_mcp.tools.answers",
    "day": "answers_mcp.tools.answers",
    "list": "answers_mcp.tools.answers",
    "list_of_lists": "answers_mcp.tools.answers",
    "map": "answers_mcp.tools.answers",
    "maybe": "answers_mcp.tools.answers",
    "maybe_text": "answers_mcp.tools.answers",
    "choice": "answers_mcp.tools.answers",
    "no_members": "answers_mcp.tools.answers",
    "members": "answers_mcp.tools.answers",
}
"""The module of each tool."""
