from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.runtime.doors import INVOICES, SETTINGS, Door, http_door, in_process_door, settings, stdio_door
from tests.runtime.upstream import Upstream

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_the_developer() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SETTINGS, *PROXIES, *map(str.lower, PROXIES)):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def shared_upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    upstream.start()
    yield upstream
    upstream.stop()


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Upstream:
    """The APIs' stand-in, answering well until it is told otherwise."""
    shared_upstream.reset()
    return shared_upstream


@pytest.fixture(scope="session")
def environ(shared_upstream: Upstream) -> dict[str, str]:
    """Settings that lead to the upstream. Calls through the gateway `direct` run out of time soon."""
    return settings(shared_upstream.url, DIRECT_TIMEOUT="2.5")


async def warm(door: Door, upstream: Upstream) -> None:
    """What only a first call costs shall not count against a short time-out."""
    upstream.reset()
    await door.client.call("listado_de_boletas_fija", INVOICES)
    await door.plain.list_tools()
    upstream.reset()


@pytest.fixture(scope="session")
async def in_process(
    anyio_backend: str, shared_upstream: Upstream, environ: dict[str, str], tmp_path_factory
) -> AsyncIterator[Door]:
    async with in_process_door(environ, tmp_path_factory.mktemp("in-process")) as door:
        await warm(door, shared_upstream)
        yield door


@pytest.fixture(scope="session")
async def stdio(
    anyio_backend: str, shared_upstream: Upstream, environ: dict[str, str], tmp_path_factory
) -> AsyncIterator[Door]:
    async with stdio_door(environ, tmp_path_factory.mktemp("stdio")) as door:
        await warm(door, shared_upstream)
        yield door


@pytest.fixture(scope="session")
async def http(
    anyio_backend: str, shared_upstream: Upstream, environ: dict[str, str], tmp_path_factory
) -> AsyncIterator[Door]:
    async with http_door(environ, tmp_path_factory.mktemp("http")) as door:
        await warm(door, shared_upstream)
        yield door


@pytest.fixture(params=["in_process", "stdio", "http"])
def door(request: pytest.FixtureRequest, upstream: Upstream) -> Door:
    """Each way to the server in turn, before a fresh upstream."""
    door: Door = request.getfixturevalue(request.param)
    return door


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty, so that no `.env` is found in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
