"""What stands before each route: who is calling, whether they may, how often; then a body that is strict JSON."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.types import Receive, Scope, Send

from mcp_codegen.orchestrator import inputs
from mcp_codegen.orchestrator.service.access import Caller
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.service import Service

Handle = Callable[[Request], Coroutine[Any, Any, Response]]
Part = str | bytes | memoryview

ASK_SECONDS = 3.0
"""How often it is asked of a stream whether its caller may still hear it."""


class StrictRequest(Request):
    """A request whose JSON is what databases and other programs can hold: no NaN, no half characters, no depths,
    nothing twice."""

    async def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The body. Raises `Refusal` (400)."""
        return parse(await self.body())


class GuardedRoute(APIRoute):
    """A route that nothing of a request reaches before its caller is known: not even its body is read."""

    def get_route_handler(self) -> Handle:
        """What FastAPI calls for a request."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            service: Service = request.app.state.service
            caller = await _admitted(service, request, self.path_format)
            held: ExitStack = request.state.held
            held.enter_context(service.throttle.held(caller.name or address(request)))
            response = await handle(StrictRequest(request.scope, request.receive))
            if isinstance(response, StreamingResponse):
                response.body_iterator = _while_admitted(service, request, self.path_format, response.body_iterator)
            return response

        return guarded

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, which counts as one that is being answered until the last of a stream is sent."""
        with ExitStack() as held:
            scope["state"]["held"] = held
            await super().handle(scope, receive, send)


async def _admitted(service: Service, request: Request, route: str) -> Caller:
    """Who is calling. Those who are refused are counted by their address, so that guessing is slow."""
    try:
        caller = await service.access.admit(request, request.method, route)
    except Refusal as refusal:
        if refusal.status_code == 401:  # noqa: PLR2004
            service.throttle.take(address(request))
        raise
    service.throttle.take(caller.name or address(request))
    request.state.caller = caller
    return caller


async def _while_admitted(
    service: Service, request: Request, route: str, parts: AsyncIterable[Part]
) -> AsyncIterator[Part]:
    """A stream, cut off when its caller's key, token or session is of no more use. Raises `Refusal`."""
    asked = time.monotonic()
    async for part in parts:
        if time.monotonic() - asked >= ASK_SECONDS:
            await service.access.admit(request, request.method, route)
            asked = time.monotonic()
        yield part


def address(request: Request) -> str:
    """Where a request comes from."""
    return f"address:{request.client.host}" if request.client else "address:"


def parse(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Strict JSON. Raises `Refusal` (400)."""
    try:
        parsed = from_json(body, allow_inf_nan=False)
        json.loads(body, object_pairs_hook=inputs.once)  # the other one takes the last of two in silence
    except inputs.GivenTwiceError as error:
        raise Refusal(400, f"the body holds {error}", code="invalid_json", hint="keep one") from error
    except ValueError as error:
        raise Refusal(400, f"the body is no JSON: {error}", code="invalid_json") from error
    return parsed


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Serving = Annotated[Service, Depends(_service)]
"""The service, for a route."""
Calling = Annotated[Caller, Depends(_caller)]
"""Who is calling, for a route."""
