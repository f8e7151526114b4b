"""Calls of tools and of the methods of typed clients, with what arrives and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args, get_type_hints

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp_types import CallToolResult
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from tests.corpus.expected import ABSENT, Call
from tests.generated import Built
from tests.runtime.upstream import Answer, Peer, Received, Upstream, response

Json = Any
TOKEN = "t0ken-of-the-endpoint"


class OfficialCaller:
    """Calls tools, and keeps the request that arrived."""

    def __init__(self, portal: BlockingPortal, client: Client, upstream: Upstream) -> None:
        self._portal, self._client, self._upstream = portal, client, upstream

    def call(self, tool: str, arguments: Mapping[str, Json], answer: Json) -> tuple[CallToolResult, list[Received]]:
        """The result, and what arrived but for requests for tokens."""
        self._upstream.received.clear()
        self.answer(answer)
        result = self._portal.call(self._client.call_tool, tool, dict(arguments))
        return result, [one for one in self._upstream.received if not _is_for_token(one)]

    def answer(self, content: Json) -> None:
        """What the upstream answers from now on."""
        self._upstream.answer = answering(content)


def _is_for_token(one: Received) -> bool:
    return b"grant_type=client_credentials" in one.body and bool(one.header("authorization"))


def answering(content: Json) -> Answer:
    async def answer(request: Received, peer: Peer) -> None:
        if _is_for_token(request):
            await peer.send(response(json.dumps({"access_token": TOKEN, "token_type": "Bearer"}).encode()))
        elif content is ABSENT:
            await peer.send(response(b"", "204 No Content", kind=""))
        elif isinstance(content, bytes):
            await peer.send(response(content, kind=""))
        else:
            await peer.send(response(json.dumps(content).encode()))

    return answer


def told(result: CallToolResult) -> Json:
    """The answer, as an official client reads it: as text and, where it has a type, as structure."""
    answer = json.loads(result.content[0].text)
    assert result.structured_content in (None, answer, {"result": answer})
    return answer


ORDER = ("path", "query", "header", "cookie", "body")


def arguments_of(call: Call, listed: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Json]:
    """The tool's arguments: each by its name, with its place behind it where that name stands in an earlier place."""
    keys: Mapping[str, str] = {name: key for key, name in about.get("renamedInputs", {}).items()}
    first: dict[str, str] = {}
    for one in sorted(call.operation.parameters, key=lambda one: ORDER.index(one.place)):
        first.setdefault(one.name, one.place)
    arguments = {}
    for (place, name), value in call.values.items():
        label = name if place == first[name] else f"{name}_{place}"
        arguments[keys.get(label, label)] = value
    if call.body is ABSENT:
        return arguments
    if is_whole(call, listed):
        return arguments | {"body_" if "body" in first else "body": call.body}
    for name, value in call.body.items():
        label = name if name not in first else f"{name}_body"
        arguments[keys.get(label, label)] = value
    return arguments


def is_whole(call: Call, listed: Mapping[str, Any]) -> bool:
    """Whether the body is one argument."""
    if call.whole is not None:
        return call.whole
    named = any(one.name == "body" for one in call.operation.parameters)
    inside = isinstance(call.body, dict) and "body" in call.body
    return "body" in listed["inputSchema"]["properties"] and not named and not inside


class TypedCaller:
    """Calls the methods of a typed client."""

    def __init__(self, portal: BlockingPortal, client: Any, built: Built) -> None:
        self._portal, self._client, self._built, self._functions = portal, client, built, built.functions

    def call(self, tool: str, call: Call) -> Json:
        """The answer as the method's own type, written as JSON again."""
        arguments = arguments_of(call, self._built.listing[tool], self._built.metadata["tools"][tool])
        function = self._functions[tool]
        hints = get_type_hints(function, include_extras=True)
        python_names = {_key(name, hint): name for name, hint in hints.items()}
        method = getattr(self._client, function.__name__)
        given_arguments = {python_names[key]: value for key, value in arguments.items()}
        try:
            answer = self._portal.call(lambda: method(**given_arguments))
        except Exception as error:
            raise AssertionError(f"{getattr(error, 'to_dict', str)()}") from error
        kind = get_args(hints["return"])[0]
        assert get_type_hints(method, include_extras=True)["return"] == kind
        assert not isinstance(kind, type) or not issubclass(kind, BaseModel) or type(answer) is kind
        return json.loads(TypeAdapter(kind).dump_json(answer, by_alias=True))


def _key(name: str, hint: Any) -> str:
    """The tool's own name for an argument."""
    aliases = [one.validation_alias for one in getattr(hint, "__metadata__", ()) if isinstance(one, FieldInfo)]
    return next((str(alias) for alias in aliases if alias), name)


@contextmanager
def typed_client(built: Built, environ: Mapping[str, str]) -> Iterator[TypedCaller]:
    module = built.load("client")
    (kind,) = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(kind.in_process(environ)) as client:
        yield TypedCaller(portal, client, built)
