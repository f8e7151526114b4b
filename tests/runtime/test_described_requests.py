"""Requests as OpenAPI describes them: from a description, through an MCP session, to what an upstream receives."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from mcp import Client

from tests.generated import Built, codegen
from tests.importers.importing import SPECS, imported
from tests.runtime.test_requests import answering, parts_of
from tests.runtime.upstream import Received, Upstream

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"
PNG = b"\x89PNG\r\n\x1a\n\x00" + bytes(range(256))
TREE = {"name": "a", "children": [{"name": "b", "children": []}, {"name": "ñ"}], "parent": None}
DEEP = {"name": "a b", "range": {"gte": 1}, "tags": ["x", "y"]}
CARD = {"number": "42", "checks": [{"ok": True}, {"ok": False}]}
PLACED = {"plain": "a/b c", "label": ["x", "y"], "matrix": {"R": 1, "G": 2}, "list": [3, 4], "id": 2**53 + 1}
SAME = {"id": "a", "id_query": 1, "id_header": "h", "id_cookie": "c", "id_body": True}

# tool, arguments, method and what follows the base URL
TARGETS: list[tuple[str, dict[str, Any], str]] = [
    ("styles", {"plain": ["a", "b c"]}, "GET /colors?plain=a&plain=b%20c"),
    ("styles", {"plain": []}, "GET /colors"),
    ("styles", {"joined": [1, 2]}, "GET /colors?joined=1,2"),
    ("styles", {"spaced": ["a", "b"]}, "GET /colors?spaced=a%20b"),
    ("styles", {"piped": ["a", "b|c"]}, "GET /colors?piped=a%7Cb%7Cc"),
    (
        "styles",
        {"deep": DEEP},
        "GET /colors?deep%5Bname%5D=a%20b&deep%5Brange%5D%5Bgte%5D=1&deep%5Btags%5D%5B0%5D=x&deep%5Btags%5D%5B1%5D=y",
    ),
    ("styles", {"flat": {"R": 100, "G": 200}}, "GET /colors?flat=R,100,G,200"),
    ("styles", {"apart": {"from": "a", "to": "b"}}, "GET /colors?from=a&to=b"),
    ("styles", {"numbered": ["a", "b"]}, "GET /colors?numbered%5B0%5D=a&numbered%5B1%5D=b"),
    ("values", {"limit": 5}, "GET /values?limit=5"),
    ("values", {}, "GET /values?limit=20"),
    ("values", {"text": "ñ &=+/?#%", "limit": 1}, "GET /values?text=%C3%B1%20%26%3D%2B%2F%3F%23%25&limit=1"),
    ("values", {"text": "", "limit": 1}, "GET /values?text=&limit=1"),
    ("values", {"text": "null", "limit": 1}, "GET /values?text=null&limit=1"),
    ("values", {"text": "0123", "limit": 1}, "GET /values?text=0123&limit=1"),
    ("values", {"flag": False, "limit": 1}, "GET /values?flag=false&limit=1"),
    ("values", {"big": 2**63 - 1, "limit": 1}, "GET /values?big=9223372036854775807&limit=1"),
    ("values", {"ratio": 0.1, "limit": 1}, "GET /values?ratio=0.1&limit=1"),
    ("values", {"ratio": 5.0, "limit": 1}, "GET /values?ratio=5&limit=1"),
    ("values", {"day": "2025-12-01", "limit": 1}, "GET /values?day=2025-12-01&limit=1"),
    (
        "values",
        {"at": "2025-12-01T10:00:00+01:00", "limit": 1},
        "GET /values?at=2025-12-01T10%3A00%3A00%2B01%3A00&limit=1",
    ),
    ("values", {"maybe": None, "limit": 1}, "GET /values?limit=1"),
    ("values", {"either": "7x", "limit": 1}, "GET /values?either=7x&limit=1"),
    ("values", {"empty": "", "limit": 1}, "GET /values?empty=&limit=1"),
    ("values", {"raw": "a/b:c&d#e f", "limit": 1}, "GET /values?raw=a/b:c%26d%23e%20f&limit=1"),
    ("values", {"filter_name": "x", "limit": 1}, "GET /values?filter%5Bname%5D=x&limit=1"),
    ("values", {"top": 3, "limit": 1}, "GET /values?%24top=3&limit=1"),
    ("values", {"ano": "x", "limit": 1}, "GET /values?a%C3%B1o=x&limit=1"),
    ("values", {"json": {"a": [1, 2]}, "limit": 1}, "GET /values?json=%7B%22a%22%3A%5B1%2C2%5D%7D&limit=1"),
    ("paths", PLACED, "GET /paths/a%2Fb%20c/.x.y/;R=1;G=2/3,4/9007199254740993.json"),
    ("template", {"q": "x", "page": 2}, "GET /search?page=2&q=x"),
    ("fixed", {"of": "me"}, "GET /fixed?of=me&action=list"),
    ("options", {}, "OPTIONS /get"),
    ("head", {}, "HEAD /get"),
    ("consultar_ano_fcdf88", {"ano": 7}, "GET /%C3%B1and%C3%BA/7"),
]

# tool, arguments, media type, body
BODIES: list[tuple[str, dict[str, Any], str, object]] = [
    ("tree", TREE, "application/json; charset=utf-8", TREE),
    ("list", {"body": [1, 2]}, "application/json", [1, 2]),
    ("list", {"body": []}, "application/json", []),
    ("patch", {"a": None}, "application/merge-patch+json", {"a": None}),
    ("patch", {"b": "y"}, "application/merge-patch+json", {"b": "y"}),
    ("remove", {"body": {"reason": "old"}}, "application/json", {"reason": "old"}),
    ("jsonapi", {"data": {"type": "x"}}, "application/vnd.api+json", {"data": {"type": "x"}}),
    ("anything", {"body": "text"}, "application/json", "text"),
    ("anything", {"body": None}, "application/json", None),
    ("anything", {"body": 2**70}, "application/json", 2**70),
    ("several", {"a": "x"}, "application/json", {"a": "x"}),
    ("getWithBody", {"q": "x"}, "application/json", {"q": "x"}),
    ("same", SAME, "application/json", {"id": True}),
    ("form", {"name": "ñ &=+"}, FORM, "name=%C3%B1%20%26%3D%2B"),
    ("form", {"name": "a", "tags": ["x", "y"]}, FORM, "name=a&tags=x&tags=y"),
    ("form", {"name": "a", "joined": ["x", "y"]}, FORM, "name=a&joined=x,y"),
    ("form", {"name": "a", "expand": ["x", "y"]}, FORM, "name=a&expand%5B0%5D=x&expand%5B1%5D=y"),
    ("form", {"name": "a", "metadata": {"k": "v w"}}, FORM, "name=a&metadata%5Bk%5D=v%20w"),
    (
        "form",
        {"name": "a", "card": CARD},
        FORM,
        "name=a&card%5Bnumber%5D=42&card%5Bchecks%5D%5B0%5D%5Bok%5D=true&card%5Bchecks%5D%5B1%5D%5Bok%5D=false",
    ),
    ("form", {"name": "a", "nested": {"a": 1}}, FORM, "name=a&nested=%7B%22a%22%3A1%7D"),
    ("freeform", {"body": {"a": "1", "b c": "2"}}, FORM, "a=1&b%20c=2"),
    ("text", {"body": "ñ\n"}, "text/plain; charset=utf-8", "ñ\n"),
    ("text", {"body": ""}, "text/plain; charset=utf-8", ""),
    ("xml", {"body": "<a/>"}, "application/xml; charset=utf-8", "<a/>"),
    ("bytes", {"body": b64encode(PNG).decode()}, "image/png", PNG),
]

# tool, what the upstream answers (body, media type, status), what the caller gets
ANSWERS: list[tuple[str, tuple[bytes, str, str], object]] = [
    ("tree", (json.dumps(TREE | {"x": 2**64}).encode(), "application/json", "200 OK"), TREE | {"x": 2**64}),
    ("tree", (b'\xef\xbb\xbf{"name":"a"}', "application/json; charset=utf-8", "200 OK"), {"name": "a"}),
    ("tree", (b'{"name":"a"}', "text/html", "200 OK"), {"name": "a"}),
    ("jsonapi", (b'{"data":{"id":"1"}}', "application/vnd.api+json", "201 Created"), {"data": {"id": "1"}}),
    ("getWithBody", (b'{"a":[1]}', "application/problem+json", "206 Partial"), {"a": [1]}),
    ("csv", ("a;ñ\r\n".encode("latin-1"), "text/csv; charset=iso-8859-1", "200 OK"), "a;ñ\r\n"),
    ("xml", ("<a>ñ</a>".encode(), "application/xml", "200 OK"), "<a>ñ</a>"),
    ("bytes", (PNG, "image/png", "200 OK"), PNG),
    ("maybe", (b"", "", "204 No Content"), None),
    ("maybe", (b"", "application/json", "200 OK"), None),
    ("maybe", (b'{"a":1}', "application/json", "200 OK"), {"a": 1}),
    ("options", (b"", "", "204 No Content"), None),
]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("wire")
    imported(SPECS / "wire.yaml", folder / "wire.json")
    result = codegen("generate", folder / "wire.json", "--out", folder)
    assert result.exit_code == 0, result.stderr
    with Built(folder / "wire").importable() as built:
        yield built


@pytest.fixture
async def session(package: Built, upstream: Upstream) -> AsyncIterator[Client]:
    upstream.answer = answering(b"", "", "204 No Content")
    async with Client(package.load("server").create_server({"WIRE_BASE_URL": upstream.url})) as client:
        yield client


async def sent(session: Client, upstream: Upstream, tool: str, arguments: dict[str, Any]) -> Received:
    result = await session.call_tool(tool, arguments)
    assert len(upstream.received) == 1, result.content
    return upstream.received[0]


@pytest.mark.parametrize(("tool", "arguments", "expected"), TARGETS, ids=[one[2] for one in TARGETS])
async def test_arguments_stand_where_the_description_says(session, upstream, tool, arguments, expected):
    request = await sent(session, upstream, tool, arguments)
    method, _, rest = expected.partition(" ")
    assert (request.method, request.target) == (method, f"/base%20path/v1{rest}")
    assert (request.body, request.header("content-type")) == (b"", [])


@pytest.mark.parametrize("example", BODIES, ids=[f"{one[0]} {one[3]!r:.40}" for one in BODIES])
async def test_bodies_are_written_in_their_media_types(session, upstream, example):
    tool, arguments, kind, body = example
    request = await sent(session, upstream, tool, arguments)
    assert request.header("content-type") == [kind]
    if "json" in kind:
        assert json.loads(request.body) == body
    else:
        assert request.body == (body if isinstance(body, bytes) else str(body).encode())


async def test_one_name_reaches_every_place_and_headers_that_are_not_the_callers_are_no_arguments(session, upstream):
    request = await sent(session, upstream, "same", {**SAME, "X-List": ["a", "b"], "X-Flag": True, "ids": [1, 2]})
    assert request.target == "/base%20path/v1/same/a?id=1"
    assert request.header("id") == ["h"]
    assert request.header("cookie") == ["id=c; ids=1,2"]
    assert (request.header("x-list"), request.header("x-flag")) == (["a,b"], ["true"])
    assert request.header("authorization") == []


async def test_parts_have_names_and_media_types(session, upstream):
    photo, more = b64encode(PNG).decode(), [b64encode(b"\x00").decode(), ""]
    about = {"photo": photo, "more": more, "note": "ñ", "about": {"a": 1}, "labels": ["x", "y"], "table": "a;b"}
    assert parts_of(await sent(session, upstream, "parts", about)) == [
        ("photo", "photo", "image/png", PNG),
        ("more", "more", "application/octet-stream", b"\x00"),
        ("more", "more", "application/octet-stream", b""),
        ("note", None, "", "ñ".encode()),
        ("about", None, "application/json", b'{"a":1}'),
        ("labels", None, "", b"x"),
        ("labels", None, "", b"y"),
        ("table", None, "text/csv", b"a;b"),
    ]


ARGUMENTS: dict[str, dict[str, Any]] = {
    "tree": TREE, "jsonapi": {"data": {}}, "getWithBody": {}, "csv": {}, "maybe": {}, "options": {},
    "xml": {"body": "<a/>"}, "bytes": {"body": ""},
}  # fmt: skip


@pytest.mark.parametrize(("tool", "answer", "expected"), ANSWERS, ids=[f"{a[0]} {a[1][1:]}" for a in ANSWERS])
async def test_answers_arrive_as_they_were_sent(session, upstream, tool, answer, expected):
    upstream.answer = answering(*answer)
    result = await session.call_tool(tool, ARGUMENTS[tool])
    assert not result.is_error, result.content
    [content] = result.content or [None]
    if isinstance(expected, bytes):
        assert b64decode(content.resource.blob) == expected
    elif isinstance(expected, str):
        assert content.text == expected
    else:
        got = result.structured_content
        assert json.loads(content.text) == expected
        assert got is None or got in (expected, {"result": expected})


@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("values", {"big": "x"}, "big"),
        ("values", {"unknown": 1}, "unknown"),
        ("values", {"flag": "perhaps"}, "flag"),
        ("paths", {**PLACED, "plain": ".."}, "plain"),
        ("paths", {key: value for key, value in PLACED.items() if key != "id"}, "id"),
        ("tree", {"children": []}, "name"),
        ("list", {"body": ["a"]}, "body"),
        ("list", {"body": {"a": 1}}, "body"),
        ("form", {}, "name"),
        ("parts", {"photo": "no base64!"}, "photo"),
        ("fixed", {"of": "me", "action": "drop"}, "action"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name_before_anything_is_sent(session, upstream, tool, arguments, named):
    result = await session.call_tool(tool, arguments)
    assert result.is_error
    assert named in result.content[0].text
    assert upstream.received == []
