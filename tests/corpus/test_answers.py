"""Answers to every operation of real APIs come back through the typed client as its models, and whole."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given

from mcp_codegen import pipeline
from mcp_codegen.standin import Behaviour, StandIn, environment
from tests.corpus.calling import answering, typed_client
from tests.corpus.conftest import Imported
from tests.corpus.descriptions import Operation, described, each
from tests.corpus.expected import ABSENT, Call
from tests.corpus.test_requests import answer_of, call_of
from tests.generated import some
from tests.runtime.upstream import Upstream

Json = Any
EXAMPLES = 4
PATIENCE = 60.0


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
            answer = caller.call(found.tools[operation.key], call)
            assert answer == listener.told

        check()

    with served(listener) as url, typed_client(found.built, environment(loaded, url, {})) as caller:
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
            expected = None if answer is ABSENT or answer == b"" else answer
            assert caller.call(found.tools[operation.key], call) == expected

        check()

    with typed_client(found.built, found.environ(upstream.url, f"{upstream.url}/token")) as caller:
        for operation in description.operations:
            with subtests.test(operation=operation.key):
                attempt(operation)


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
