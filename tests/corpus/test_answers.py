"""Answers to every operation of real APIs come back through the typed client as its models, and whole."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import given
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from mcp_codegen import pipeline
from mcp_codegen.standin import Behaviour, StandIn, environment
from tests.corpus.conftest import Imported
from tests.corpus.descriptions import Operation, described, each
from tests.corpus.expected import ABSENT, Call
from tests.corpus.test_requests import answer_of, answering, arguments_of, call_of
from tests.generated import Built, some
from tests.runtime.upstream import Upstream

Json = Any
EXAMPLES = 4
PATIENCE = 20.0


@each
def test_what_the_stand_in_answers_comes_back_typed_and_whole(
    file: Path | None, imported: Callable[[Path], Imported], subtests: pytest.Subtests
):
    description = described(file)
    found = imported(file)
    loaded = pipeline.load(found.catalog).catalog
    listener = Listener(StandIn(loaded, Behaviour(), {}))

    def attempt(operation: Operation) -> None:
        @some(EXAMPLES)
        @given(call_of(description, operation))
        def check(call: Call) -> None:
            answer = caller.call(found, call)
            assert answer == listener.told

        check()

    with served(listener) as url, typed_client(found, environment(loaded, url, {})) as caller:
        for operation in description.operations:
            with subtests.test(operation=operation.key):
                attempt(operation)


@each
def test_what_nobody_described_comes_back_too(
    file: Path | None, imported: Callable[[Path], Imported], upstream: Upstream, subtests: pytest.Subtests
):
    description = described(file)
    found = imported(file)

    def attempt(operation: Operation) -> None:
        @some(EXAMPLES)
        @given(call_of(description, operation), answer_of(description, operation))
        def check(call: Call, answer: Json) -> None:
            upstream.answer = answering(answer)
            assert caller.call(found, call) == (None if answer is ABSENT or answer == b"" else answer)

        check()

    with typed_client(found, found.environ(upstream.url, f"{upstream.url}/token")) as caller:
        for operation in description.operations:
            with subtests.test(operation=operation.key):
                attempt(operation)


class Caller:
    """Calls the methods of a typed client."""

    def __init__(self, portal: BlockingPortal, client: Any, built: Built) -> None:
        self._portal, self._client, self._functions = portal, client, built.functions

    def call(self, found: Imported, call: Call) -> Json:
        """The answer as the method's own type, written as JSON again."""
        tool = found.tools[call.operation.key]
        arguments = arguments_of(call, found.built.listing[tool], found.built.metadata["tools"][tool])
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
def typed_client(found: Imported, environ: Mapping[str, str]) -> Iterator[Caller]:
    module = found.built.load("client")
    (kind,) = [one for one in vars(module).values() if getattr(one, "package", "") == found.built.module]
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(kind.in_process(environ)) as client:
        yield Caller(portal, client, found.built)


class Listener:
    """Keeps what an ASGI application answers."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._body = b""

    @property
    def told(self) -> Json:
        """The last answer; null where it is empty."""
        return json.loads(self._body) if self._body else None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def keep(message: Any) -> None:
            if message["type"] == "http.response.body":
                self._body = message["body"]
            await send(message)

        await self._app(scope, receive, keep)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The URL of an application that listens on loopback."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=PATIENCE)
