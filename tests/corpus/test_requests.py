"""Every operation of real APIs, called by a client with values of all sorts: exactly the described request arrives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from tests.corpus.calling import TOKEN, OfficialCaller, arguments_of, told
from tests.corpus.conftest import Imported
from tests.corpus.descriptions import Description, Operation, described, each
from tests.corpus.expected import ABSENT, Call, Credentials, base64_of, differences
from tests.corpus.making import Maker
from tests.generated import some
from tests.runtime.upstream import Upstream

Json = Any
EXAMPLES = 6


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
        caller = OfficialCaller(portal, client, upstream)
        for operation in description.operations:
            with subtests.test(operation=operation.key):
                attempt(description, operation, found, caller, credentials)


def attempt(
    description: Description, operation: Operation, found: Imported, caller: OfficialCaller, credentials: Credentials
) -> None:
    """Call one operation with several values, each answered in a way that its description allows."""
    calls, answers = call_of(description, operation), answer_of(description, operation)
    tool = found.tools[operation.key]
    listed, about = found.built.listing[tool], found.built.metadata["tools"][tool]

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
