"""A package of three tools that need three scopes, and how to speak to it by hand."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.generated import Built, build
from tests.runtime.upstream import Peer, Received, response

SERVE = (sys.executable, "-m", "shop_mcp")
ORDER = {"order": "A-1"}
SECRET_ARGUMENT = "arguments-are-nobodys-business"
_ORDER_INPUT = {"name": "order", "type": "string", "description": "Whose it is"}
CATALOG: Mapping[str, Any] = {
    "name": "shop",
    "title": "Shop",
    "gateways": {"main": {"baseUrl": "${SHOP_URL}"}},
    "apis": [
        {"name": "show_order", "httpMethod": "GET", "endpoint": "/orders/{order}", "inputs": [_ORDER_INPUT]},
        {
            "name": "add_note",
            "httpMethod": "POST",
            "endpoint": "/orders/{order}/notes",
            "destructive": False,
            "inputs": [_ORDER_INPUT],
        },
        {"name": "remove_order", "httpMethod": "DELETE", "endpoint": "/orders/{order}", "inputs": [_ORDER_INPUT]},
    ],
}
TOOLS = ["show_order", "add_note", "remove_order"]


def built(folder: Path) -> Built:
    """The package, generated."""
    return build(CATALOG, folder)


async def done(request: Received, peer: Peer) -> None:
    """What its upstream answers."""
    await peer.send(response(b'{"done": true}'))


@dataclass(frozen=True)
class Said:
    """An answer of the server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def result(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["result"])

    @property
    def error(self) -> dict[str, Any]:
        """What a tool that failed tells."""
        assert self.result["isError"]
        return dict(json.loads(self.result["content"][0]["text"])["error"])

    @property
    def tools(self) -> list[str]:
        return [tool["name"] for tool in self.result["tools"]]


def send(port: int, body: object, token: str = "", path: str = "/mcp", method: str = "POST", **headers: str) -> Said:
    """One request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    standard = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if token:
        standard["Authorization"] = f"Bearer {token}"
    connection.request(method, path, None if body is None else json.dumps(body), standard | headers)
    answer = connection.getresponse()
    said = Said(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    connection.close()
    return said


def call(port: int, tool: str, token: str = "", arguments: Mapping[str, Any] = ORDER, **headers: str) -> Said:
    """Call a tool."""
    params = {"name": tool, "arguments": arguments}
    return send(port, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, token, **headers)


def listed(port: int, token: str = "") -> Said:
    """List the tools."""
    return send(port, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, token)
