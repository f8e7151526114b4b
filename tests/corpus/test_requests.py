"""Every operation of real APIs, called by a client with values of all sorts: exactly the described request arrives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult

from tests.corpus.conftest import Imported
from tests.corpus.descriptions import Description, Operation, described, each
from tests.corpus.expected import ABSENT, Call, Credentials, base64_of, differences
from tests.corpus.making import Maker
from tests.generated import some
from tests.runtime.upstream import Answer, Peer, Received, Upstream, response

Json = Any
EXAMPLES = 6
TOKEN = "t0ken-of-the-endpoint"


@each
def test_exactly_the_described_request_arrives(
    file: Path | None, imported: Callable[[Path], Imported], upstream: Upstream, subtests: pytest.Subtests
):
    description = described(file)
    found = imported(file)
    environ = found.environ(upstream.url, f"{upstream.url}/token")
    credentials = Credentials(frozenset({*environ.values(), TOKEN}), {})
    server = found.built.load("server").create_server(environ)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        caller = Caller(portal, client, upstream)
        for operation in description.operations:
            with subtests.test(operation=operation.key):
                about = found.built.metadata["tools"][found.tools[operation.key]]
                listed = found.built.listing[found.tools[operation.key]]
                attempt(description, operation, listed, about, caller, credentials)


class Caller:
    """Calls tools, and keeps the request that arrived."""

    def __init__(self, portal: BlockingPortal, client: Client, upstream: Upstream) -> None:
        self._portal, self._client, self._upstream = portal, client, upstream

    def call(self, tool: str, arguments: Mapping[str, Json], answer: Json) -> tuple[CallToolResult, list[Received]]:
        """The result, and what arrived but for requests for tokens."""
        self._upstream.received.clear()
        self._upstream.answer = answering(answer)
        result = self._portal.call(self._client.call_tool, tool, dict(arguments))
        return result, [one for one in self._upstream.received if not _is_for_token(one)]


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


def attempt(
    description: Description,
    operation: Operation,
    listed: Mapping[str, Any],
    about: Mapping[str, Any],
    caller: Caller,
    credentials: Credentials,
) -> None:
    """Call one operation with several values, each answered in a way that its description allows."""
    calls = call_of(description, operation)
    answers = answer_of(description, operation)

    @some(EXAMPLES)
    @given(calls, answers)
    def check(call: Call, answer: Json) -> None:
        arguments = arguments_of(call, listed, about)
        result, received = caller.call(listed["name"], arguments, answer)
        assert not result.is_error, f"{arguments}: {result.content[0].text}"
        (request,) = received
        assert differences(with_defaults(call, listed, about), request, credentials) == []
        if not isinstance(answer, bytes):
            assert told(result) == (None if answer is ABSENT else answer)

    check()


def with_defaults(call: Call, listed: Mapping[str, Any], about: Mapping[str, Any]) -> Call:
    """The call as it is sent, where the language differs from the description (docs/catalog.md, "An API", "A field").

    What has a default need not be given; the default is sent. Inputs in the body are an object, if an empty one.
    """
    names = {key: name for name, key in about.get("renamedInputs", {}).items()}
    known = {names.get(key, key): one for key, one in listed["inputSchema"]["properties"].items()}
    defaults = {name: one["default"] for name, one in known.items() if "default" in one}
    outside = {(one.place, one.name) for one in call.operation.parameters}
    values = {(place, name): defaults[name] for place, name in outside if name in defaults} | dict(call.values)
    if call.operation.body is None or "body" in listed["inputSchema"]["properties"]:
        return replace(call, values=values)
    inside = {name: value for name, value in defaults.items() if name not in {name for _, name in outside}}
    return replace(call, values=values, body=inside | (call.body if call.body is not ABSENT else {}))


def told(result: CallToolResult) -> Json:
    """The answer, as an official client reads it."""
    if result.structured_content is not None and "result" in result.structured_content:
        return result.structured_content["result"]
    return result.structured_content if result.structured_content is not None else json.loads(result.content[0].text)


def call_of(description: Description, operation: Operation) -> st.SearchStrategy[Call]:
    maker = Maker(description, "request")
    values = maker.parameters(operation)
    body = operation.body
    if body is None:
        return values.map(lambda given: Call(operation, given))
    kind = preferred(body.content)
    schema = maker.flat(body.content[kind])
    if "multipart" in kind:
        return st.tuples(values, maker.value(schema)).map(lambda made: _multipart(operation, maker, schema, *made))
    if "json" in kind or "form" in kind:
        whole = maker.value(schema)
        optional = whole if body.required else st.just(ABSENT) | whole
        return st.tuples(values, optional).map(lambda made: Call(operation, *made))
    files = st.binary(max_size=300).map(base64_of)
    return st.tuples(values, files).map(lambda made: Call(operation, *made, files=frozenset({""})))


def _multipart(operation: Operation, maker: Maker, schema: Json, values: Json, body: Json) -> Call:
    files = frozenset(name for name in body if _is_file(maker.flat(schema["properties"][name])))
    return Call(operation, values, {k: base64_of(v.encode()) if k in files else v for k, v in body.items()}, files)


def _is_file(schema: Mapping[str, Json]) -> bool:
    return schema.get("format") == "binary" or schema.get("type") == "file"


def preferred(content: Mapping[str, Json]) -> str:
    """The media type that is sent of several: JSON, a form, parts, whatever comes first."""
    for wanted in ("application/json", "+json", "x-www-form-urlencoded", "multipart/form-data"):
        for kind in content:
            if wanted in kind:
                return kind
    return next(iter(content))


def answer_of(description: Description, operation: Operation) -> st.SearchStrategy[Any]:
    """JSON that a success may be, with members that nobody described; nothing where nothing is described."""
    maker = Maker(description, "answer", more=True)
    made: list[st.SearchStrategy[Any]] = []
    for content in operation.answers.values():
        if not content:
            made.append(st.just(ABSENT))
        elif "json" in (kind := preferred(content)):
            made.append(maker.value(content[kind]))
    return st.one_of(*made) if made else st.just(b"")


def arguments_of(call: Call, listed: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Json]:
    """The tool's arguments: each by its name, with its place behind it where that name stands in several."""
    keys: Mapping[str, str] = {name: key for key, name in about.get("renamedInputs", {}).items()}
    properties = listed["inputSchema"]["properties"]
    places = list(call.values)
    whole = "body" in properties and not (isinstance(call.body, dict) and "body" in call.body)
    if call.body is not ABSENT:
        places += [("body", "body")] if whole else [("body", name) for name in call.body]
    arguments: dict[str, Json] = {}
    for place, name in places:
        value = call.values.get((place, name), ABSENT)
        if place == "body":
            value = call.body if whole else call.body[name]
        label = name if name not in arguments and keys.get(name, name) not in arguments else f"{name}_{place}"
        arguments[keys.get(label, label)] = value
    return arguments
