"""The client's methods, in a module for each group of tools; `client` has them all."""

from __future__ import annotations

from ..runtime.calling import ApiClient


class Calls(ApiClient):
    """What the calls of every group share: the server that answers them."""

    package = "groups_mcp"
    longest = 30.0
    variables = ("GROUPS_URL", "MAIN_TIMEOUT", "MAIN_ATTEMPTS", "MAIN_BREAKER")
    gateways = ("MAIN",)
