"""Redirects on the wire: followed on the gateway's own server where the catalog says so, and never elsewhere."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.generated import Built, build
from tests.runtime.doors import held
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Peer, Received, Upstream, response

pytestmark = pytest.mark.anyio

KEY = "k3y-that-belongs-to-the-gateway"
AUTH = [
    {"type": "apiKey", "in": "header", "name": "X-Key", "env": "SHOP_KEY"},
    {"type": "apiKey", "in": "query", "name": "key", "env": "SHOP_KEY"},
]
GATEWAY: dict[str, Any] = {"auth": AUTH, "retry": {"attempts": 1}, "limits": {"concurrentCalls": 5}}
NOTE = {"name": "note", "type": "string", "description": "Text"}
CATALOG: dict[str, Any] = {
    "name": "moving",
    "gateways": {
        "shop": {
            **GATEWAY,
            "baseUrl": "${SHOP_URL}/v1",
            "circuitBreaker": {"failureRate": 1},
            "redirects": "sameOrigin",
        },
        "strict": {**GATEWAY, "baseUrl": "${SHOP_URL}/v1"},
    },
    "apis": [
        {"name": "look", "httpMethod": "GET", "endpoint": "/look", "gateway": "shop", "output": {}},
        {"name": "pay", "httpMethod": "POST", "endpoint": "/pay", "gateway": "shop", "inputs": [NOTE], "output": {}},
        {"name": "stay", "httpMethod": "GET", "endpoint": "/look", "gateway": "strict", "output": {}},
    ],
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with build(CATALOG, tmp_path_factory.mktemp("moving")).importable() as built:
        yield built


@pytest.fixture(scope="module")
def other() -> Iterator[Upstream]:
    """Another server, of another owner."""
    upstream = Upstream()
    upstream.start()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
async def client(anyio_backend: str, package: Built, shared_upstream: Upstream) -> AsyncIterator[Any]:
    environ = {"SHOP_URL": shared_upstream.url, "SHOP_KEY": KEY}
    async with held(package.load("client").MovingClient.in_process(environ)) as client:
        yield client


def moved(upstream: Upstream, location: str, status: str = "302 Found", *, times: int = 1) -> None:
    """So many redirects, then a good answer."""

    async def answer(_: Received, peer: Peer) -> None:
        nonlocal times
        times -= 1
        again = response(b"", status, f"Location: {location}")
        await peer.send(again if times >= 0 else response(b'{"ok":true}'))

    upstream.answer = answer


@dataclass(frozen=True)
class Follows:
    """A call, the status that it is met with, and the request that follows."""

    tool: str
    status: str
    method: str
    body: bytes = b""


FOLLOWED = [
    *(Follows("look", status, "GET") for status in ("301 Moved", "302 Found", "303 See", "307 T", "308 P")),
    Follows("pay", "303 See Other", "GET"),
    Follows("pay", "307 Temporary", "POST", b'{"note":"thanks"}'),
    Follows("pay", "308 Permanent", "POST", b'{"note":"thanks"}'),
]


async def called(client: Any, tool: str) -> Any:
    return await client.call(tool, {"note": "thanks"} if tool == "pay" else {})


@pytest.mark.parametrize("expected", FOLLOWED, ids=str)
async def test_a_redirect_on_the_same_server_is_followed_by_the_rules_of_http(
    client: Any, upstream: Upstream, expected: Follows
):
    moved(upstream, "/v1/elsewhere?page=2#top", expected.status)
    assert await called(client, expected.tool) == {"ok": True}
    first, second = upstream.received
    assert (second.method, second.path, second.body) == (expected.method, "/v1/elsewhere", expected.body)
    assert second.query == [("page", "2"), ("key", KEY)]
    assert second.header("x-key") == first.header("x-key") == [KEY]
    assert second.header("content-type") == (["application/json"] if expected.body else [])


@pytest.mark.parametrize("location", ["look2", "{url}/v1/look2", "//{host}/v1/look2", "/v1/look2?key=own"])
async def test_a_location_may_be_written_in_any_form_of_the_same_place(client: Any, upstream: Upstream, location: str):
    moved(upstream, location.format(url=upstream.url, host=upstream.url.partition("//")[2]))
    assert await client.look() == {"ok": True}
    assert upstream.received[-1].path == "/v1/look2"
    assert [name for name, _ in upstream.received[-1].query] == ["key"]


@pytest.mark.parametrize(
    "location",
    [
        "{other}/v1/look?secret=1",
        "//{otherhost}/v1/look",
        "https://{host}/v1/look",
        "http://user:pass@{host}/v1/look",
        "http://localhost:1/v1/look",
        "/v2/look",
        "/v1evil",
        "/v1/../v2/look",
        "/v1/%2e%2e/v2/look",
        "/v1/..%2fv2/look",
        "/v1/..%5cv2/look",
        "ftp://{host}/v1/look",
    ],
)
async def test_a_redirect_elsewhere_is_an_error_and_carries_no_credential_there(
    client: Any, upstream: Upstream, other: Upstream, package: Built, location: str
):
    other.reset()
    hosts = {one: server.url.partition("//")[2] for one, server in (("host", upstream), ("otherhost", other))}
    moved(upstream, location.format(other=other.url, **hosts), "307 Temporary Redirect")
    with pytest.raises(package.load("errors").ApiError) as raised:
        await client.look()
    assert raised.value.code == "rejected"
    assert (len(upstream.received), len(other.received)) == (1, 0)
    assert not leaks(str(raised.value), KEY, "secret=1", "user:pass")
    if location.startswith("{other}"):
        assert f"points elsewhere, to {other.url} (HTTP 307)" in str(raised.value)


@pytest.mark.parametrize("tool", ["look", "stay"])
@pytest.mark.parametrize(
    "location", ["http://[::1/v1", "http://{host}:port/", "http://a\x7fb/", "http:look", "a::1", "//xn--a", ""]
)
async def test_a_redirect_to_what_is_no_url_is_said_to_be_one(
    client: Any, upstream: Upstream, package: Built, tool: str, location: str
):
    moved(upstream, location.format(host="127.0.0.1"))
    with pytest.raises(package.load("errors").Rejected, match=r"points elsewhere, and to no URL \(HTTP 302\)"):
        await called(client, tool)
    assert len(upstream.received) == 1


async def test_what_writes_follows_no_redirect_that_would_lose_its_body(
    client: Any, upstream: Upstream, package: Built
):
    moved(upstream, "/v1/paid")
    with pytest.raises(package.load("errors").Rejected):
        await called(client, "pay")
    assert len(upstream.received) == 1


async def test_redirects_that_go_round_end(client: Any, upstream: Upstream, package: Built):
    moved(upstream, "/v1/look", times=100)
    with pytest.raises(package.load("errors").Rejected, match="five at most"):
        await client.look()
    assert len(upstream.received) == 6


async def test_without_a_word_in_the_catalog_none_is_followed(client: Any, upstream: Upstream, package: Built):
    moved(upstream, "/v1/elsewhere")
    with pytest.raises(package.load("errors").Rejected, match="sameOrigin"):
        await client.stay()
    assert len(upstream.received) == 1


async def test_no_log_of_any_level_has_a_credential(client: Any, upstream: Upstream, caplog: pytest.LogCaptureFixture):
    moved(upstream, "/v1/elsewhere")
    with caplog.at_level(logging.DEBUG):
        assert await client.look() == {"ok": True}
    assert ("key", KEY) in upstream.received[-1].query
    assert not leaks(caplog.text, KEY)


async def test_a_secret_in_a_location_is_not_told(client: Any, upstream: Upstream, package: Built):
    moved(upstream, f"http://{KEY}.example.com/{KEY}?{KEY}")
    with pytest.raises(package.load("errors").Rejected) as raised:
        await client.stay()
    assert not leaks(str(raised.value.to_dict()), KEY)
