"""Every form of request and answer of the catalog language, through a generated package, as it is on the wire."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes
from typing import Any
from unicodedata import normalize
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import example as also
from hypothesis import strategies as st
from mcp import Client

from tests.generated import Built, build
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Answer, Peer, Received, Upstream, response

pytestmark = pytest.mark.anyio

COLORS: dict[str, Any] = {
    "string": "blue",
    "array": ["blue", "black", "brown"],
    "object": {"R": 100, "G": 200, "B": 150},
    "empty": "",
}
TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "array": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object"},
}

# OpenAPI 3.1.1, "Style Examples": place, style, explode, and what `color` becomes as a string, an array and an object.
STYLES: list[tuple[str, str, bool, dict[str, str]]] = [
    (
        "path", "matrix", False,
        {"empty": ";color", "string": ";color=blue", "array": ";color=blue,black,brown",
         "object": ";color=R,100,G,200,B,150"},
    ),
    (
        "path", "matrix", True,
        {"empty": ";color", "string": ";color=blue", "array": ";color=blue;color=black;color=brown",
         "object": ";R=100;G=200;B=150"},
    ),
    (
        "path", "label", False,
        {"string": ".blue", "array": ".blue,black,brown", "object": ".R,100,G,200,B,150"},
    ),
    (
        "path", "label", True,
        {"string": ".blue", "array": ".blue.black.brown", "object": ".R=100.G=200.B=150"},
    ),
    ("path", "simple", False, {"string": "blue", "array": "blue,black,brown", "object": "R,100,G,200,B,150"}),
    ("path", "simple", True, {"string": "blue", "array": "blue,black,brown", "object": "R=100,G=200,B=150"}),
    ("header", "simple", False, {"string": "blue", "array": "blue,black,brown", "object": "R,100,G,200,B,150"}),
    ("header", "simple", True, {"string": "blue", "array": "blue,black,brown", "object": "R=100,G=200,B=150"}),
    (
        "query", "form", False,
        {"empty": "color=", "string": "color=blue", "array": "color=blue,black,brown",
         "object": "color=R,100,G,200,B,150"},
    ),
    (
        "query", "form", True,
        {"empty": "color=", "string": "color=blue", "array": "color=blue&color=black&color=brown",
         "object": "R=100&G=200&B=150"},
    ),
    (
        "query", "spaceDelimited", False,
        {"array": "color=blue%20black%20brown", "object": "color=R%20100%20G%20200%20B%20150"},
    ),
    (
        "query", "pipeDelimited", False,
        {"array": "color=blue%7Cblack%7Cbrown", "object": "color=R%7C100%7CG%7C200%7CB%7C150"},
    ),
    ("query", "deepObject", True, {"object": "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"}),
    (
        "cookie", "form", False,
        {"string": "color=blue", "array": "color=blue,black,brown", "object": "color=R,100,G,200,B,150"},
    ),
    (
        "cookie", "form", True,
        {"string": "color=blue", "array": "color=blue; color=black; color=brown", "object": "R=100; G=200; B=150"},
    ),
]  # fmt: skip
EXAMPLES = [
    (
        f"{place}_{style}_{'exploded' if explode else 'joined'}_{'string' if kind == 'empty' else kind}",
        place,
        kind,
        sent,
    )
    for place, style, explode, written in STYLES
    for kind, sent in written.items()
]

ID, SECRET = "shop/1", "s3cret with:signs/and+more=="
TOKEN = "token-of-the-first-hour"
KEY = "query-k3y-0123456789"
PDF = bytes(range(256)) * 3 + b"\r\n--boundary\r\n\x00<html>"


def styled() -> Iterator[dict[str, Any]]:
    for place, style, explode, written in STYLES:
        for kind in TYPES.keys() & written.keys():
            name = f"{place}_{style}_{'exploded' if explode else 'joined'}_{kind}"
            about = {"name": "color", "in": place, "style": style, "explode": explode, **TYPES[kind]}
            path = "/s/{color}" if place == "path" else "/s"
            yield {"name": name, "httpMethod": "GET", "endpoint": path, "gateway": "open", "inputs": [about]}


def several() -> list[dict[str, Any]]:
    same = [
        {"name": "id", "type": "string", "in": "path"},
        {"name": "id", "type": "int", "in": "query"},
        {"name": "id", "type": "bool", "in": "body"},
    ]
    files = [
        {"name": "photo", "type": "file"},
        {"name": "more", "type": "array", "items": {"type": "file"}, "required": False},
        {"name": "note", "type": "string", "required": False},
        {"name": "meta", "type": "object", "required": False},
    ]
    fields = [
        {"name": "a", "type": "string"},
        {"name": "l", "type": "array", "items": {"type": "int"}},
        {"name": "o", "type": "object", "required": False},
    ]
    free = [{"name": "q", "type": "object"}, {"name": "c", "type": "object", "in": "cookie"}]
    change = [{"name": "id", "type": "string"}, {"name": "v", "type": "string", "nullable": True, "required": False}]
    pdf = {"contentType": "application/pdf", "body": {"type": "file"}, "answerType": "application/pdf"}
    maybe = {"type": ["object", "null"], "properties": {"a": {"type": "integer"}}}
    apis = [
        {"name": "segment", "httpMethod": "GET", "endpoint": "/c/{id}/i", "inputs": [{"name": "id", "type": "string"}]},
        {
            "name": "two",
            "httpMethod": "GET",
            "endpoint": "/{a}{b}/x",
            "inputs": [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}],
        },
        {"name": "same", "httpMethod": "POST", "endpoint": "/same/{id}", "inputs": same},
        {"name": "form", "httpMethod": "POST", "endpoint": "/f", "contentType": "form", "inputs": fields},
        {"name": "upload", "httpMethod": "POST", "endpoint": "/u", "contentType": "multipart", "inputs": files},
        {"name": "text", "httpMethod": "PUT", "endpoint": "/t", "contentType": "text", "body": {"type": "string"}},
        {
            "name": "latin",
            "httpMethod": "PUT",
            "endpoint": "/t",
            "contentType": "text/csv; charset=iso-8859-1",
            "body": {"type": "string"},
        },
        {"name": "pdf", "httpMethod": "PUT", "endpoint": "/b", **pdf},
        {
            "name": "patch",
            "httpMethod": "PATCH",
            "endpoint": "/p/{id}",
            "contentType": "application/merge-patch+json",
            "inputs": change,
        },
        {
            "name": "whole",
            "httpMethod": "POST",
            "endpoint": "/w",
            "body": {"type": "array", "items": {"type": "int"}},
        },
        {"name": "csv", "httpMethod": "GET", "endpoint": "/c.csv", "answerType": "text/csv"},
        {"name": "page", "httpMethod": "GET", "endpoint": "/page", "answerType": "text/html"},
        {"name": "untyped", "httpMethod": "GET", "endpoint": "/any"},
        {"name": "maybe", "httpMethod": "GET", "endpoint": "/maybe", "output": maybe},
    ]
    opened = [{**one, "gateway": "open"} for one in apis]
    guarded = {"name": "guarded", "httpMethod": "POST", "endpoint": "/g", "gateway": "guarded", "inputs": free}
    return [*opened, guarded | {"inputs": [{**free[0], "in": "query"}, free[1]]}]


CATALOG = {
    "name": "requests",
    "gateways": {
        "open": {"baseUrl": "${OPEN_URL}"},
        "guarded": {
            "baseUrl": "${OPEN_URL}",
            "auth": [
                {"type": "apiKey", "in": "query", "name": "k", "env": "KEY"},
                {"type": "apiKey", "in": "cookie", "name": "sid", "env": "COOKIE"},
                {
                    "type": "oauth2ClientCredentials",
                    "tokenUrl": "${AUTH_URL}/token/",
                    "clientIdEnv": "CLIENT_ID",
                    "clientSecretEnv": "CLIENT_SECRET",
                    "scopes": ["read", "write"],
                },
            ],
        },
    },
    "apis": [*styled(), *several()],
}


def settings_of(upstream: Upstream, **changed: str) -> dict[str, str]:
    known = {"OPEN_URL": upstream.url, "AUTH_URL": upstream.url, "KEY": KEY, "COOKIE": "c00kie-0123"}
    return known | {"CLIENT_ID": ID, "CLIENT_SECRET": SECRET} | changed


def answering(content: bytes | str, kind: str = "application/json", status: str = "200 OK") -> Answer:
    written = content.encode() if isinstance(content, str) else content

    async def answer(_: Received, peer: Peer) -> None:
        await peer.send(response(written, status, kind=kind))

    return answer


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with build(CATALOG, tmp_path_factory.mktemp("requests")).importable() as built:
        yield built


@pytest.fixture
async def client(package: Built, upstream: Upstream) -> AsyncIterator[Any]:
    upstream.answer = answering("{}")
    async with package.load("client").RequestsClient.in_process(settings_of(upstream)) as client:
        yield client


def parts_of(request: Received) -> list[tuple[str, str | None, str, bytes]]:
    """Name, file name, media type and content of each part of a multipart body, as Python's own library reads it."""
    [kind] = request.header("content-type")
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
    found = []
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        kind = part["content-type"] or ""
        found.append((name, part.get_filename(), kind, part.get_payload(decode=True)))
    return found


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{one[0]}-{one[2]}" for one in EXAMPLES])
async def test_styles_are_written_as_openapis_examples_are(client: Any, upstream: Upstream, example: tuple[str, ...]):
    tool, place, kind, sent = example
    await client.call(tool, {"color": COLORS[kind]})
    [request] = upstream.received
    written = {
        "path": request.path.removeprefix("/s/"),
        "query": request.target.partition("?")[2],
        "header": "".join(request.header("color")),
        "cookie": "".join(request.header("cookie")),
    }
    assert written[place] == sent


@pytest.mark.parametrize("tool", ["path_label_joined_string", "path_simple_joined_string"])
async def test_an_empty_value_is_no_segment(client: Any, package: Built, upstream: Upstream, tool: str):
    with pytest.raises(package.load("errors").InvalidArguments, match="color"):
        await client.call(tool, {"color": ""})
    assert upstream.received == []


async def test_segments_that_are_dots_only_together_are_refused(client: Any, package: Built, upstream: Upstream):
    for arguments in ({"a": ".", "b": "."}, {"a": "", "b": "x"}):
        with pytest.raises(package.load("errors").InvalidArguments):
            await client.call("two", arguments)
    with pytest.raises(package.load("errors").InvalidArguments):
        await client.call("path_label_joined_string", {"color": "."})
    assert upstream.received == []


def is_level(value: str) -> bool:
    """Whether no style makes another path of it, which is refused, as `test_parts` shows: a label begins with a dot."""
    return not set(".;/\\") & set(normalize("NFKC", unquote(unquote(value))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(codec="utf-8"), min_size=1).filter(is_level))
@also(value="a/b")
@also(value="a..b/...")
@also(value="%2e.a%2f")
@also(value="a?b=1#c")
def test_a_path_value_arrives_whole_in_its_one_segment(package: Built, value: str):
    fill = package.load("runtime.wire").fill
    styled = package.load("runtime.styles").Styled
    for one in (value, styled([value], "simple"), styled([value], "label"), styled({"k": value}, "matrix", True)):
        before, inner, after = fill("/c/{id}/i", {"id": one}).removeprefix("/").split("/")
        assert (before, after) == ("c", "i")
        assert unquote(inner).removeprefix(".").removeprefix(";k=") in (value, value.removeprefix("."))
        assert not set("?#/\\ \r\n") & set(inner)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))))
def test_objects_and_lists_in_a_query_cannot_be_taken_apart(package: Built, values: dict[str, str]):
    query_string, styled = package.load("runtime.wire").query_string, package.load("runtime.styles").Styled
    exploded = query_string({"o": values}).removeprefix("?")
    assert dict(parse_qsl(exploded, keep_blank_values=True)) == values
    for style, separator in {"form": ",", "pipeDelimited": "%7C", "spaceDelimited": "%20"}.items():
        words = [word.replace(" ", "").replace("|", "") for word in values]
        if words and all(words):
            joined = query_string({"o": styled(words, style)}).removeprefix("?o=")
            assert [unquote(word) for word in joined.split(separator)] == words


async def test_a_name_in_several_places_reaches_each(client: Any, upstream: Upstream):
    await client.same(id="x", id_query=7, id_body=True)
    [request] = upstream.received
    assert (request.target, json.loads(request.body)) == ("/same/x?id=7", {"id": True})


# --- bodies ----------------------------------------------------------------------------------------------------------


async def test_a_form_is_sent_as_browsers_send_it(client: Any, upstream: Upstream):
    await client.form(a="ñ & =+", l=[1, 2], o={"x": [1]})
    [request] = upstream.received
    assert request.header("content-type") == ["application/x-www-form-urlencoded"]
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
    assert pairs == [("a", "ñ & =+"), ("l", "1"), ("l", "2"), ("o", '{"x":[1]}')]


async def test_files_go_as_parts_byte_for_byte(client: Any, upstream: Upstream):
    await client.upload(photo=b64encode(PDF).decode(), more=[b64encode(b"\x00").decode()] * 2, note="ñ", meta={"a": 1})
    assert parts_of(upstream.received[0]) == [
        ("photo", "photo", "application/octet-stream", PDF),
        ("more", "more", "application/octet-stream", b"\x00"),
        ("more", "more", "application/octet-stream", b"\x00"),
        ("note", None, "", "ñ".encode()),
        ("meta", None, "application/json", b'{"a":1}'),
    ]
    await client.upload(photo="")
    assert parts_of(upstream.received[1]) == [("photo", "photo", "application/octet-stream", b"")]


async def test_a_file_that_is_no_base64_is_refused(client: Any, package: Built, upstream: Upstream):
    with pytest.raises(package.load("errors").InvalidArguments, match="photo"):
        await client.upload(photo="nonsense!")
    assert upstream.received == []


async def test_text_goes_as_text(client: Any, package: Built, upstream: Upstream):
    await client.text(body="ñ\n")
    await client.latin(body="ñ")
    first, second = upstream.received
    assert (first.body, first.header("content-type")) == ("ñ\n".encode(), ["text/plain; charset=utf-8"])
    assert (second.body, second.header("content-type")) == (b"\xf1", ["text/csv; charset=iso-8859-1"])
    with pytest.raises(package.load("errors").InvalidArguments, match="iso-8859-1"):
        await client.latin(body="☃")


async def test_bodies_of_other_json(client: Any, upstream: Upstream):
    await client.patch(id="1", v=None)
    await client.whole(body=[1, 2])
    first, second = upstream.received
    assert (json.loads(first.body), first.header("content-type")) == ({"v": None}, ["application/merge-patch+json"])
    assert (second.body, second.header("content-type")) == (b"[1,2]", ["application/json"])


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["in_process", "launch"])
async def test_bytes_go_and_come_byte_for_byte(package: Built, upstream: Upstream, door: str):
    upstream.answer = answering(PDF, "application/pdf")
    async with getattr(package.load("client").RequestsClient, door)(settings_of(upstream)) as client:
        assert await client.pdf(body=b64encode(PDF).decode()) == PDF
    [request] = upstream.received
    assert (request.body, request.header("content-type")) == (PDF, ["application/pdf"])
    assert request.header("accept") == ["application/pdf"]


async def test_official_clients_get_a_blob_and_a_text(package: Built, upstream: Upstream):
    async with Client(package.load("server").create_server(settings_of(upstream))) as plain:
        upstream.answer = answering(PDF, "application/pdf")
        [blob] = (await plain.call_tool("pdf", {"body": ""})).content
        assert (blob.resource.mime_type, b64decode(blob.resource.blob)) == ("application/pdf", PDF)
        upstream.answer = answering("a;b\nñ;1\n".encode("latin-1"), "text/csv; charset=iso-8859-1")
        [text] = (await plain.call_tool("csv", {})).content
        assert text.text == "a;b\nñ;1\n"
        assert text.meta == {"mcp-codegen/mediaType": "text/csv; charset=iso-8859-1"}


@pytest.mark.parametrize("written", ["a;b\r\nñ;1", "", "null", '{"a": 1}', "\ufeffa"])
async def test_text_comes_as_text(client: Any, upstream: Upstream, written: str):
    upstream.answer = answering(written, "text/csv")
    assert await client.csv() == written
    assert await client.call("csv", {}) == {"result": written}


CAME: dict[str, tuple[bytes, str, Any]] = {
    "JSON": (b'{"a": 1}', "application/json", {"a": 1}),
    "JSON with a charset": (b"[1]", "application/vnd.x+json;charset=utf-8", [1]),
    "JSON called text": (b'{"a": 1}', "text/plain", {"a": 1}),
    "text": (b"12", "text/plain", "12"),
    "XML": (b"<header>1</header>", "application/xml", "<header>1</header>"),
    "bytes": (b"\x00\xff", "image/png", b"\x00\xff"),
    "nothing": (b"", "", None),
}


@pytest.mark.parametrize(("content", "kind", "expected"), CAME.values(), ids=CAME)
async def test_an_answer_without_a_type_is_what_came(client: Any, upstream: Upstream, content, kind, expected):
    upstream.answer = answering(content, kind)
    assert await client.untyped() == expected


async def test_no_content_is_null_where_that_is_allowed(client: Any, package: Built, upstream: Upstream):
    upstream.answer = answering("", "", "204 No Content")
    assert await client.maybe() is None
    assert await client.untyped() is None
    assert await client.csv() == ""
    upstream.answer = answering('{"a": 1}', status="202 Accepted")
    assert (await client.maybe()).a == 1


async def test_a_page_is_an_answer_only_where_one_is_asked_for(client: Any, package: Built, upstream: Upstream):
    upstream.answer = answering("<!doctype html><p>Access denied", "text/html")
    assert await client.page() == "<!doctype html><p>Access denied"
    upstream.answer = answering("<!doctype html><p>Log in", "text/html")
    for call in (client.csv, client.untyped):
        with pytest.raises(package.load("errors").NotJson, match="text/html"):
            await call()


async def test_bytes_have_a_size_limit(client: Any, package: Built, upstream: Upstream):
    upstream.answer = answering(b"x" * 256_001, "application/pdf")
    with pytest.raises(package.load("errors").AnswerTooLarge):
        await client.pdf(body="")


# --- credentials -----------------------------------------------------------------------------------------------------


class Issuer:
    """A token endpoint and an API behind it, on one port."""

    def __init__(self, upstream: Upstream, **about: Any) -> None:
        self.about = {"token_type": "Bearer", "expires_in": 3600} | about
        self.asked: list[Received] = []
        self.called: list[Received] = []
        self.refused: set[str] = set()
        self.token = TOKEN
        self.failure = b""
        self.delay = 0.0
        upstream.answer = self

    async def __call__(self, request: Received, peer: Peer) -> None:
        if request.path == "/token/":
            self.asked.append(request)
            await asyncio.sleep(self.delay)
            body = json.dumps({"access_token": self.token, **self.about}).encode()
            await peer.send(self.failure or response(body))
            return
        self.called.append(request)
        given = request.header("authorization")[0].removeprefix("Bearer ")
        echo = json.dumps({"error": f"{given} {KEY}"}).encode()
        await peer.send(response(echo, "401 Unauthorized") if given in self.refused else response(echo))


@asynccontextmanager
async def guarded(package: Built, upstream: Upstream, **changed: str) -> AsyncIterator[Any]:
    async with package.load("client").RequestsClient.in_process(settings_of(upstream, **changed)) as client:
        yield client


def nothing() -> Mapping[str, Any]:
    return {"q": {}, "c": {}}


async def test_credentials_go_together_and_no_argument_takes_their_place(package: Built, upstream: Upstream):
    issuer = Issuer(upstream)
    async with guarded(package, upstream) as client:
        answer = await client.guarded(q={"k": "mine", "x": 1}, c={"sid": "mine", "y": "2"})
    [asked], [called] = issuer.asked, issuer.called
    assert asked.method == "POST"
    assert b64decode(asked.header("authorization")[0].removeprefix("Basic ")).decode() == (
        "shop%2F1:s3cret+with%3Asigns%2Fand%2Bmore%3D%3D"
    )
    assert parse_qsl(asked.body.decode()) == [("grant_type", "client_credentials"), ("scope", "read write")]
    assert called.query == [("x", "1"), ("k", KEY)]
    assert called.header("cookie") == ["y=2; sid=c00kie-0123"]
    assert called.header("authorization") == [f"Bearer {TOKEN}"]
    assert answer == {"error": "*** ***"}


async def test_calls_share_one_token(package: Built, upstream: Upstream):
    issuer = Issuer(upstream)
    issuer.delay = 0.05
    async with guarded(package, upstream) as client:
        await asyncio.gather(*(client.call("guarded", nothing()) for _ in range(20)))
        await client.call("guarded", nothing())
    assert (len(issuer.asked), len(issuer.called)) == (1, 21)


async def test_a_token_is_renewed_before_it_ends(package: Built, upstream: Upstream):
    issuer = Issuer(upstream, expires_in=0.02)
    async with guarded(package, upstream) as client:
        await client.call("guarded", nothing())
        deadline = asyncio.get_running_loop().time() + 60
        while len(issuer.asked) < 2:
            assert asyncio.get_running_loop().time() < deadline
            issuer.token = "another"
            await client.call("guarded", nothing())
    assert issuer.called[-1].header("authorization") == ["Bearer another"]


@pytest.mark.parametrize("about", [{"expires_in": None}, {"expires_in": "3600"}])
async def test_a_tokens_life_may_be_said_in_other_ways(package: Built, upstream: Upstream, about: dict[str, Any]):
    issuer = Issuer(upstream, **about)
    async with guarded(package, upstream) as client:
        for _ in range(2):
            await client.call("guarded", nothing())
    assert len(issuer.asked) == 1


async def test_after_a_401_the_token_is_fetched_anew_once(package: Built, upstream: Upstream):
    issuer = Issuer(upstream)
    async with guarded(package, upstream) as client:
        await client.call("guarded", nothing())
        issuer.refused, issuer.token = {TOKEN}, "renewed-token"
        await client.call("guarded", nothing())
        assert (len(issuer.asked), len(issuer.called)) == (2, 3)
        issuer.refused.add("renewed-token")
        with pytest.raises(package.load("errors").Unauthorized) as raised:
            await client.call("guarded", nothing())
    assert (len(issuer.asked), len(issuer.called)) == (3, 5)
    assert not leaks(str(raised.value.to_dict()), "renewed-token", KEY, SECRET)


FAILURES: dict[str, tuple[bytes, str, str]] = {
    "401": (response(b'{"error":"invalid_client"}', "401 Unauthorized"), "Unauthorized", "CLIENT_ID and CLIENT_SECRET"),
    "400": (response(b'{"error":"invalid_scope"}', "400 Bad Request"), "Rejected", "invalid_scope"),
    "404": (response(b"{}", "404 Not Found"), "NotFound", "AUTH_URL"),
    "500": (response(b"oops", "500 Oops"), "UpstreamFailed", "token endpoint"),
    "a page": (response(b"<html>Log in", kind="text/html"), "NotJson", "AUTH_URL"),
    "no token": (response(b"{}"), "NotJson", "without a token"),
    "a token that is none": (response(b'{"access_token":"a\\r\\nX: 1"}'), "NotJson", "without a token"),
    "an echo": (response(SECRET.encode(), "400 Bad Request"), "Rejected", "***"),
}


@pytest.mark.parametrize(("answer", "kind", "said"), FAILURES.values(), ids=FAILURES)
async def test_what_the_token_endpoint_says_is_told(package: Built, upstream: Upstream, answer, kind, said):
    issuer = Issuer(upstream)
    issuer.failure = answer
    async with guarded(package, upstream) as client:
        with pytest.raises(getattr(package.load("errors"), kind)) as raised:
            await client.call("guarded", nothing())
        assert said in str(raised.value.to_dict())
        assert "token endpoint" in raised.value.message
        assert not leaks(str(raised.value.to_dict()), SECRET)
        assert issuer.called == []
        issuer.failure = b""
        await client.call("guarded", nothing())


async def test_waiting_for_a_token_is_part_of_the_calls_time(package: Built, upstream: Upstream):
    issuer = Issuer(upstream)
    issuer.delay = 30
    async with guarded(package, upstream, GUARDED_TIMEOUT="0.1") as client:
        with pytest.raises(package.load("errors").TimedOut):
            await client.call("guarded", nothing())
    assert issuer.called == []


async def test_all_settings_that_are_missing_are_named(package: Built, upstream: Upstream):
    async with guarded(package, upstream, CLIENT_ID="", AUTH_URL="", KEY="") as client:
        with pytest.raises(package.load("errors").NotConfigured, match="KEY, AUTH_URL, CLIENT_ID"):
            await client.call("guarded", nothing())
