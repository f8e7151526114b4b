"""The ASGI application: a catalog's active APIs of all gateways, on one port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.errors import shown
from mcp_codegen.paging import paging_of
from mcp_codegen.schema import json_schema
from mcp_codegen.standin import access, identifiers, places
from mcp_codegen.standin.behaviour import Behaviour, Faults
from mcp_codegen.standin.endpoint import Endpoint, Shared
from mcp_codegen.standin.errors import Refused
from mcp_codegen.standin.inputs import pointer_key
from mcp_codegen.standin.messages import Reply, Request, Stream, failure, parsed_query, raw_query
from mcp_codegen.standin.mischief import misdeed
from mcp_codegen.standin.routing import Routes
from mcp_codegen.standin.sending import Send, send_reply, send_stream
from mcp_codegen.standin.tokens import TokenEndpoints

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Log = Callable[[str], None]

TRANSPORT = "transport"
"""The key in a request's state (ASGI) under which the server tells the connection."""
MAX_BODY_BYTES = 1_000_000
NO_CONTENT, BAD_REQUEST, NOT_FOUND, NOT_ALLOWED, TOO_LARGE = 204, 400, 404, 405, 413

Found = tuple[Endpoint, tuple[str, ...]]


class StandIn:
    """Serves a catalog's APIs. It remembers nothing but how often each was called, for the faults."""

    def __init__(
        self, catalog: CheckedCatalog, behaviour: Behaviour, environ: Mapping[str, str], log: Log | None = None
    ) -> None:
        self._behaviour, self._log = behaviour, log
        self._faults = Faults(behaviour)
        definitions = {name: json_schema(schema, "input", pointer_key) for name, schema in catalog.schemas.items()}
        shared = Shared(catalog.schemas, definitions, identifiers.find(catalog), behaviour.seed)
        self._routes: Routes[Endpoint] = Routes()
        for one in catalog.operations:
            auths = catalog.auths_of(one)
            gates = access.gates(auths, environ) if one.api.active else ()
            self._routes.add(places.path_of(one, catalog), Endpoint(one, auths, gates, shared, paging_of(one, catalog)))
        self._tokens = TokenEndpoints(catalog, environ)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI 3)."""
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        body = await _body(scope, receive)
        reply = self._reply_to(scope, body)
        if self._behaviour.latency:
            await asyncio.sleep(self._behaviour.latency)
        if isinstance(reply.content, Stream):
            await send_stream(reply, reply.content, send, scope.get("state", {}).get(TRANSPORT))
        else:
            await send_reply(reply, send, with_body=scope["method"] != "HEAD")
        if self._log:
            self._log(f"{scope['method']} {_raw_path(scope)} {reply.status}")

    def _reply_to(self, scope: Scope, body: bytes | None) -> Reply:
        if body is None:
            return failure(TOO_LARGE, f"the body is larger than {MAX_BODY_BYTES} bytes", {"Connection": "close"})
        try:
            query = parsed_query(scope["query_string"])
        except ValueError:
            return failure(BAD_REQUEST, "the query cannot be read; percent-encode it as UTF-8")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(scope["method"], _raw_path(scope), query, raw_query(scope["query_string"]), headers, body)
        try:
            return self.reply(request)
        except RecursionError:
            return failure(BAD_REQUEST, "the body is nested too deeply")

    def reply(self, request: Request) -> Reply:
        """What the APIs answer, or where their tokens are issued."""
        return self._tokens.reply(request) or self._of_apis(request)

    def _of_apis(self, request: Request) -> Reply:
        found = list(self._routes.find(request.path))
        active = [pair for pair in found if pair[0].operation.api.active]
        try:
            if fitting := _of_method(request.method, active):
                return self._served(*_admitted(fitting, request), request)
        except Refused as refusal:
            return refusal.reply
        if inactive := _of_method(request.method, found) or (not active and found):
            return failure(NOT_FOUND, f"the API {inactive[0][0].name} is inactive in the catalog")
        if not active:
            return failure(NOT_FOUND, f"no API of the catalog has the route {request.method} {shown(request.path)}")
        allow = {"Allow": ", ".join(sorted(_allowed(active)))}
        if request.method == "OPTIONS":
            return Reply(NO_CONTENT, None, allow)
        return failure(NOT_ALLOWED, f"{shown(request.path)} takes {allow['Allow']}", allow)

    def _served(self, endpoint: Endpoint, segments: tuple[str, ...], request: Request) -> Reply:
        inputs = endpoint.inputs(request, segments)
        fault = self._faults.of_next_call(endpoint.name)
        if fault and isinstance(fault.what, int):
            return endpoint.failure(fault.what)
        answer = endpoint.answer(inputs, request)
        return misdeed(fault.what, answer, request) if fault and isinstance(fault.what, str) else answer


def _admitted(fitting: list[Found], request: Request) -> Found:
    """The API that lets the request in: several gateways may have the same route. Raises the first one's `Refused`."""
    refusals = []
    for endpoint, segments in fitting:
        try:
            for gate in endpoint.gates:
                gate.check(request)
        except Refused as refusal:
            refusals.append(refusal)
        else:
            return endpoint, segments
    raise refusals[0]


def _of_method(method: str, found: list[Found]) -> list[Found]:
    """The APIs of a method; HEAD asks for what GET answers."""
    same = [pair for pair in found if pair[0].operation.method == method]
    return same or ([pair for pair in found if pair[0].operation.method == "GET"] if method == "HEAD" else [])


def _allowed(found: list[Found]) -> set[str]:
    methods = {endpoint.operation.method for endpoint, _ in found}
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


def _raw_path(scope: Scope) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """The whole body; None for one that is too large."""
    content = bytearray()
    while True:
        message = await receive()
        content += message.get("body", b"")
        if len(content) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(content)
