"""Hostile text in every argument: the request on the wire has the host, the path, the headers that it should."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from mcp import Client

from tests.generated import Built, build
from tests.runtime.test_requests import STYLES, TYPES, parts_of
from tests.runtime.upstream import Received, Upstream

NASTY = (
    *("..", ".", "../..", "..;/x", "a/../b", "/", "//evil.example", "\\\\evil", "%2e%2e", "%2f", "%252f..", "%00"),
    *("@evil.example", "user:pass@evil.example", ":80", "http://evil.example/", "?a=1", "#top", "&k=mine", ";k=mine"),
    *("\r\nX-Evil: 1", "\n", "\r", "\x00", "\t", "a\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
    *(
        "\u2028",
        "\u2215",
        "\uff0f",
        "\u2024\u2024",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\x85",
        "\u010d\u010a",
        "\u017f",
        "\u212a",
    ),
    *("\ud800", "\udfff\ud800", "🧾", "e\u0301", ",", "=", "|", " ", "+", '"', "'", "; sid=mine", "%", "{color}", ""),
)
LONG = 70_000
hostile = st.one_of(
    st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=4)), min_size=1, max_size=4).map("".join),
    st.sampled_from(NASTY).map(lambda piece: (piece or "x") * (LONG // max(1, len(piece)))),
)
KEY = "own-k3y-0123456789"
BODIES = {"json": "application/json", "form": "form", "multipart": "multipart", "text": "text"}
OWN = ["host", "accept", "accept-encoding", "user-agent", "connection", "x-key"]


def styled() -> Iterator[dict[str, Any]]:
    """An API for each place, style, and kind of value."""
    for place, style, explode, written in STYLES:
        for kind in TYPES.keys() & written.keys():
            yield {
                "name": f"{place}_{style}_{'exploded' if explode else 'joined'}_{kind}",
                "httpMethod": "GET",
                "endpoint": "/s/{color}/e" if place == "path" else "/s/e",
                "inputs": [{"name": "color", "in": place, "style": style, "explode": explode, **TYPES[kind]}],
            }


def bodies() -> Iterator[dict[str, Any]]:
    """An API for each kind of body."""
    for name, kind in BODIES.items():
        about = {"name": f"body_{name}", "httpMethod": "POST", "endpoint": "/s/e", "contentType": kind}
        typed = {"body": {"type": "string"}} if name == "text" else {"inputs": [{"name": "color", "type": "string"}]}
        yield about | typed


APIS = [*styled(), *bodies()]
CATALOG: dict[str, Any] = {
    "name": "hostile",
    "gateways": {
        "main": {
            "baseUrl": "${MAIN_URL}/base",
            "auth": [
                {"type": "apiKey", "in": "header", "name": "X-Key", "env": "KEY"},
                {"type": "apiKey", "in": "query", "name": "k", "env": "KEY"},
                {"type": "apiKey", "in": "cookie", "name": "sid", "env": "KEY"},
            ],
        }
    },
    "apis": APIS,
}
Call = Callable[[str, dict[str, Any]], Any]


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def call(portal: BlockingPortal, shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Calls as the official client makes them: no check of ours is passed before the server's own."""
    with (
        build(CATALOG, tmp_path_factory.mktemp("hostile")).importable() as package,
        portal.wrap_async_context_manager(client_of(package, shared_upstream)) as client,
    ):
        yield lambda tool, arguments: portal.call(client.call_tool, tool, arguments)


def client_of(package: Built, upstream: Upstream) -> Client:
    return Client(package.load("server").create_server({"MAIN_URL": upstream.url, "KEY": KEY}))


def arguments_of(api: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """The texts, as the value of the API's one input."""
    if "body" in api:
        return {"body": texts[0]}
    kind = api["inputs"][0]["type"]
    names = [text.encode("utf-8", "ignore").decode() for text in texts]  # with less the client itself sends nothing
    members = {name: texts[(at + 1) % len(texts)] for at, name in enumerate(names)}
    return {"color": {"string": texts[0], "array": texts, "object": members}[kind]}


@settings(
    max_examples=400,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(api=st.sampled_from(APIS), texts=st.lists(hostile, min_size=1, max_size=3, unique=True))
@example(api=APIS[0], texts=["\r\nX-Evil: 1"])
def test_no_argument_reaches_another_host_path_or_header(
    call: Call, shared_upstream: Upstream, api: dict[str, Any], texts: list[str]
):
    shared_upstream.reset()
    shared_upstream.answer = answer
    arguments = arguments_of(api, texts)
    result = call(api["name"], arguments)
    if result.is_error:
        assert json.loads(result.content[0].text)["error"]["code"] == "invalid_arguments"
        assert shared_upstream.received == []
        return
    [request] = shared_upstream.received
    place = api["name"].partition("_")[0]
    check_frame(request, api, shared_upstream.url, arguments, place)
    CHECKS[place](request, api, next(iter(arguments.values())))


async def answer(_: Received, peer: Any) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


def check_frame(request: Received, api: dict[str, Any], url: str, arguments: dict[str, Any], place: str) -> None:
    """What no argument changes: method, host, the path's own segments, the headers' names, the credentials."""
    assert request.method == api["httpMethod"]
    assert request.header("host") == [url.removeprefix("http://")]
    assert request.target.isascii()
    assert request.target.isprintable()
    before, *inner, after = request.path.split("/")[1:]
    assert (before, inner[0], after, len(inner)) == ("base", "s", "e", 2 if place == "path" else 1)
    names = sorted(name.lower() for name, _ in request.headers)
    mine = {"header": ["color"], "body": ["content-type", "content-length"]}.get(place, [])
    assert names == sorted([*OWN, "cookie", *mine])
    assert request.header("x-key") == [KEY]
    assert [value for name, value in request.query if name == "k"] == [KEY]
    [cookie] = request.header("cookie")
    assert [pair for pair in cookie.split("; ") if pair.startswith("sid=")] == [f"sid={KEY}"]


def leaves(value: Any) -> list[str]:
    """Names and texts of a value."""
    if isinstance(value, dict):
        return [text for pair in value.items() for text in pair]
    return value if isinstance(value, list) else [value]


def check_path(request: Received, api: dict[str, Any], value: Any) -> None:
    """All of it stands in one segment, each text in its place between the style's own separators."""
    segment = request.path.split("/")[3]
    assert segment.partition(";")[0] not in (".", "..")
    assert not set("?#\\ \r\n") & set(segment)
    if isinstance(value, str):
        prefix = {"simple": "", "label": ".", "matrix": ";color=" if value else ";color"}[api["inputs"][0]["style"]]
        assert unquote(segment) == prefix + value


def check_query(request: Received, api: dict[str, Any], value: Any) -> None:
    """No text is taken apart, and none is taken for a parameter of the gateway's own."""
    pairs = [(name, text) for name, text in request.query if name != "k"]
    about = api["inputs"][0]
    if about["style"] == "form" and isinstance(value, str):
        assert pairs == [("color", value)]
    elif about["style"] == "form" and about["explode"]:
        wanted = value.items() if isinstance(value, dict) else [("color", text) for text in value]
        assert pairs == [(name, text) for name, text in wanted if name != "k"]
    elif about["style"] == "deepObject":
        assert pairs == [(f"color[{name}]", text) for name, text in value.items()]
    elif about["style"] == "form":
        [written] = [pair for pair in request.target.partition("?")[2].split("&") if pair.startswith("color=")]
        assert [unquote(text) for text in written.removeprefix("color=").split(",")] == leaves(value)
    else:
        assert {name for name, _ in pairs} <= {"color"}


def check_header(request: Received, api: dict[str, Any], value: Any) -> None:
    """One header, of printable ASCII, as it was passed."""
    [written] = request.header("color")
    separator = "=" if api["inputs"][0]["explode"] and isinstance(value, dict) else ","
    texts = [separator.join(pair) for pair in value.items()] if isinstance(value, dict) else leaves(value)
    assert written == ",".join(texts)
    assert written.isascii()


def check_cookie(request: Received, api: dict[str, Any], value: Any) -> None:
    """Each text stays in its own cookie."""
    [header] = request.header("cookie")
    pairs = [pair.partition("=")[::2] for pair in header.split("; ")]
    written = [(unquote(name), unquote(text)) for name, text in pairs if name != "sid"]
    if isinstance(value, str):
        assert written == [("color", value)]
    elif not api["inputs"][0]["explode"]:
        assert [name for name, _ in written] == ["color"]
    elif isinstance(value, dict):
        assert written == [(name, text) for name, text in value.items() if name != "sid"]
    else:
        assert written == [("color", text) for text in value]


def check_body(request: Received, api: dict[str, Any], value: Any) -> None:
    """The text arrives whole."""
    kind = api["name"].removeprefix("body_")
    if kind == "json":
        assert json.loads(request.body)["color"] == value
    elif kind == "form":
        assert parse_qsl(request.body.decode(), keep_blank_values=True) == [("color", value)]
    elif kind == "multipart":
        assert parts_of(request)[0][3].decode() == value
    else:
        assert request.body.decode() == value


CHECKS = {
    "path": check_path, "query": check_query, "header": check_header, "cookie": check_cookie, "body": check_body,
}  # fmt: skip
