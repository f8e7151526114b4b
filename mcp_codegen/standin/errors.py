"""How a request is turned down."""

from __future__ import annotations

from mcp_codegen.standin.messages import Reply


class Refused(Exception):
    """The request gets this reply, and nothing else happens."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply
