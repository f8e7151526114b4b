"""The flagship's APIs: the stand-in, which remembers the traces that it was called in, and can be told to fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp_codegen import pipeline
from mcp_codegen.standin import Behaviour, StandIn, environment
from tests.orchestrator.counting import listening
from tests.standin.conftest import TELEFONICA


@dataclass
class Upstream:
    app: Any
    settings: dict[str, str] = field(default_factory=dict)
    traceparents: list[str] = field(default_factory=list)
    status: int = 0
    """What is answered instead, unless it is 0."""

    gateways = ("DIRECT", "APIM")

    @property
    def secrets(self) -> list[str]:
        return [value for name, value in self.settings.items() if "TOKEN" in name or "KEY" in name]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        self.traceparents += [headers[b"traceparent"].decode()] if b"traceparent" in headers else []
        if not self.status:
            return await self.app(scope, receive, send)
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


@contextmanager
def telefonica() -> Iterator[Upstream]:
    apis = pipeline.load(TELEFONICA).catalog
    made = Upstream(StandIn(apis, Behaviour(), {}))
    with listening(made) as url:
        made.settings = dict(environment(apis, url, {}))
        yield made
