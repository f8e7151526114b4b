"""What an upstream says when it fails, in the forms that APIs have for it: one error with code, reason and message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import TextContent

from telefonica_mcp.errors import ApiError, UpstreamError, from_dict
from telefonica_mcp.runtime.complaints import LONGEST_CODE, LONGEST_TEXT, read
from tests.runtime import answers
from tests.runtime.answers import fixed
from tests.runtime.doors import INVOICES, KEY, Door
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Upstream

SAID: dict[str, tuple[Any, tuple[str, str, str]]] = {
    "TM Forum": (
        {"code": "60", "reason": "Resource not found", "message": "No bill 7", "status": "404", "referenceError": "x"},
        ("60", "Resource not found", "No bill 7"),
    ),
    "TM Forum with a number": ({"code": 60, "reason": "Gone"}, ("60", "", "Gone")),
    "CAMARA": ({"status": 404, "code": "NOT_FOUND", "message": "No device"}, ("NOT_FOUND", "", "No device")),
    "RFC 9457": (
        {"type": "https://e.com/out-of-credit", "title": "No credit", "status": 404, "detail": "You have 30", "a": 1},
        ("https://e.com/out-of-credit", "No credit", "You have 30"),
    ),
    "RFC 9457 with a code of its own": (
        {"type": "about:blank", "title": "Not Found", "status": 404, "code": "E7"},
        ("E7", "", "Not Found"),
    ),
    "OAuth": (
        {"error": "invalid_request", "error_description": "No client"},
        ("invalid_request", "", "No client"),
    ),
    "Google": (
        {
            "error": {
                "code": 404,
                "message": "API off",
                "status": "PERMISSION_DENIED",
                "details": [{"@type": "ErrorInfo", "reason": "API_DISABLED"}],
            }
        },
        ("PERMISSION_DENIED", "API_DISABLED", "API off"),
    ),
    "Microsoft": (
        {"error": {"code": "BadArgument", "message": "Bad", "target": "x", "innererror": {"code": "Short"}}},
        ("BadArgument", "", "Bad"),
    ),
    "OData": ({"odata.error": {"code": "5", "message": {"lang": "en", "value": "Five"}}}, ("5", "", "Five")),
    "AWS": ({"__type": "com.aws#Throttled", "message": "Slower"}, ("com.aws#Throttled", "", "Slower")),
    "AWS with capitals": ({"Error": {"Code": "NoSuchKey", "Message": "None"}}, ("NoSuchKey", "", "None")),
    "JSON:API": (
        {"errors": [{"status": "404", "code": "E1", "title": "Bad", "detail": "Worse"}, {"code": "E2"}]},
        ("E1", "Bad", "Worse"),
    ),
    "a list of texts": ({"errors": ["First", "Second"]}, ("", "", "First")),
    "a list at the root": ([{"code": "E1", "message": "One"}, {"code": "E2"}], ("E1", "", "One")),
    "Apigee": (
        {"fault": {"faultstring": "Invalid token", "detail": {"errorcode": "oauth.v2.Invalid"}}},
        ("oauth.v2.Invalid", "", "Invalid token"),
    ),
    "OneAPI": (
        {"requestError": {"serviceException": {"messageId": "SVC0002", "text": "Invalid %1", "variables": ["a"]}}},
        ("SVC0002", "", "Invalid %1"),
    ),
    "UNICA": ({"exceptionId": "SVC1006", "exceptionText": "No such thing"}, ("SVC1006", "", "No such thing")),
    "FastAPI": (
        {"detail": [{"loc": ["query", "a"], "msg": "Field required", "type": "missing"}]},
        ("missing", "", "Field required"),
    ),
    "a detail": ({"detail": "Not found."}, ("", "", "Not found.")),
    "Spring": ({"status": 404, "error": "Not Found", "path": "/a"}, ("", "", "")),
    "a sentence for an error": ({"error": "There is no such thing"}, ("", "", "There is no such thing")),
    "ASP.NET": (
        {"title": "Validation failed", "status": 404, "errors": {"Name": ["Missing"]}},
        ("", "", "Validation failed"),
    ),
    "a text in quotes": ("No such thing", ("", "", "No such thing")),
    "nothing": ({}, ("", "", "")),
    "null": (None, ("", "", "")),
    "wrong types": ({"code": {"a": 1}, "message": ["x"], "reason": True, "detail": 7}, ("", "", "")),
    "a code of many words": ({"code": "this is no code", "message": "m"}, ("", "", "m")),
    "a number of many digits": ({"code": 10**40, "message": "m"}, ("", "", "m")),
    "control characters": (
        {"code": "E\u0000\u001b[31m", "message": "a\u001b[2J\u202eb\r\nc\u200b"},
        ("", "", "a [2J b c"),
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "expected"), SAID.values(), ids=SAID)
async def test_each_form_of_an_error_is_one_error(in_process: Door, upstream: Upstream, body: Any, expected):
    upstream.answer = fixed(json.dumps(body), "404 Not Found")
    with pytest.raises(ApiError) as raised:
        await in_process.client.call("listado_de_boletas_fija", INVOICES)
    error = raised.value
    assert error.code == "not_found"
    assert (error.upstream_code, error.upstream_reason, error.upstream_message) == expected
    assert error.upstream_message.rstrip(".") in str(error)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("No such customer\n", "text/plain", "No such customer"),
        ("<html><head><title>404 &amp; gone</title></head><body>x</body></html>", "text/html", "404 & gone"),
        ("<html><body><h1 class='a'>Out of <b>order</b></h1></body></html>", "text/html", "Out of order"),
        ("<html><body>x</body></html>", "text/html", ""),
        ("<soap:Envelope/>", "text/xml", ""),
        ('{"message": "cut', "application/json", ""),
        ("", "application/json", ""),
    ],
)
@pytest.mark.anyio
async def test_what_is_no_json_is_told_as_far_as_it_is_words(in_process: Door, upstream: Upstream, body, kind, message):
    upstream.answer = fixed(body, "404 Not Found", kind=kind)
    with pytest.raises(UpstreamError) as raised:
        await in_process.client.call("listado_de_boletas_fija", INVOICES)
    assert raised.value.upstream_message == message


@pytest.mark.anyio
async def test_every_caller_is_told_the_same(door: Door, upstream: Upstream):
    body = {"code": "60", "reason": "No bill", "message": f"The key {KEY} may not see it"}
    upstream.answer = fixed(json.dumps(body), "422 Unprocessable Entity")
    with pytest.raises(ApiError) as raised:
        await door.client.call("listado_de_boletas_fija", INVOICES)
    result = await door.plain.call_tool("listado_de_boletas_fija", INVOICES)
    assert isinstance(result.content[0], TextContent)
    told = json.loads(result.content[0].text)["error"]
    assert told == raised.value.to_dict()
    assert told["upstreamCode"] == "60"
    assert told["upstreamReason"] == "No bill"
    assert told["upstreamMessage"] == "The key *** may not see it"
    assert str(raised.value).startswith("The API did not accept the request (HTTP 422). It says: 60: The key ***")
    assert not leaks(f"{raised.value} {told}")
    assert from_dict(told).to_dict() == told


@pytest.mark.anyio
@pytest.mark.parametrize("form", answers.ECHOES)
async def test_a_secret_in_an_error_of_any_form_is_masked(in_process: Door, upstream: Upstream, form: str):
    async def answer(request, peer):
        said = answers.ECHOES[form](answers.credentials(request))
        await peer.send(answers.response(b'{"code":"E1","message":"' + said + b'"}', "400 Bad Request"))

    upstream.answer = answer
    with pytest.raises(ApiError) as raised:
        await in_process.client.call("listado_de_boletas_fija", INVOICES)
    assert not leaks(f"{raised.value} {raised.value.to_dict()}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["code", "message", "error", "errors", "detail", "fault", "title", "status", "type", "details"])
        | st.text(max_size=3),
        inner,
        max_size=4,
    ),
)


@given(JSON.map(json.dumps).map(str.encode) | st.binary(), st.integers(300, 599), st.booleans())
def test_whatever_an_upstream_says_is_short_and_printable(content: bytes, status: int, page: bool):
    said = read(content, status, page=page)
    assert len(said.code) <= LONGEST_CODE
    assert max(len(said.reason), len(said.message)) <= LONGEST_TEXT
    assert f"{said.code}{said.reason}{said.message}".isprintable()
    assert not (said.reason and not said.message)


def test_a_deep_or_wide_body_costs_nothing():
    deep = b'{"error":' * 200 + b'"x"' + b"}" * 200
    wide = json.dumps({f"key{n}": "v" * 10 for n in range(10_000)} | {"message": "m"}).encode()
    assert read(deep, 500).message == ""
    assert read(wide, 500).message == "m"
    assert read(b"<title>" * 30_000, 500, page=True).message == ""
