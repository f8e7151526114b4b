"""Parts of the runtime where they stand: what no call of the flagship's three tools can reach."""

from __future__ import annotations

import datetime as dt
import json
import socket
import time
from base64 import b64encode
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import MISSING, Field

from telefonica_mcp.errors import (
    InvalidArguments,
    NotConfigured,
    NotJson,
    SchemaMismatch,
    UpstreamError,
    UpstreamFailed,
)
from telefonica_mcp.runtime.answers import RawAnswer, checked
from telefonica_mcp.runtime.bases import InputModel, Model, OpenInputModel
from telefonica_mcp.runtime.credentials import OPEN, ApiKey, Basic, Bearer
from telefonica_mcp.runtime.masking import masked
from telefonica_mcp.runtime.settings import Settings
from telefonica_mcp.runtime.transport import AiohttpTransport
from telefonica_mcp.runtime.wire import fill, header_values, present, query_string, segment, text
from tests.runtime.answers import ECHOES, fixed
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Upstream

# --- wire ------------------------------------------------------------------------------------------------------------


@given(st.text(min_size=1))
@example("a/../../admin")
@example("..;/admin")
@example("%2e%2e%2fadmin")
@example("\\..\\admin")
@example("a?b=1#c")
@example("a\r\nHost: evil")
def test_a_path_argument_is_one_segment_and_nothing_else(value: str):
    if value in (".", ".."):
        with pytest.raises(InvalidArguments):
            segment("id", value)
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    target = fill("/clients/{id}/invoices", {"id": value})
    url = httpx.URL(f"https://api.example.com{target}")
    assert (url.host, url.query, url.fragment) == ("api.example.com", b"", "")
    before, inner, after = url.raw_path.decode().lstrip("/").split("/")
    assert (before, unquote(inner), after) == ("clients", value, "invoices")


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_segment_that_would_be_another_path_is_refused_by_name(value: str):
    with pytest.raises(InvalidArguments, match="clientId"):
        fill("/clients/{clientId}", {"clientId": value})


def test_placeholders_are_filled_once():
    assert fill("/{a}/{b}", {"a": "{b}", "b": "x"}) == "/%7Bb%7D/x"


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_a_query_is_read_as_it_was_written(values: dict[str, str]):
    written = query_string(values)
    assert list(httpx.QueryParams(written.removeprefix("?")).multi_items()) == list(values.items())
    assert written.isascii()


def test_what_was_not_given_is_left_out():
    assert query_string({"a": MISSING, "b": None, "c": ""}) == "?c="
    assert query_string({"a": MISSING}) == ""
    assert query_string({"id": [1, 2], "no": []}) == "?id=1&id=2"
    assert header_values({"a": MISSING, "b": None, "X-C": 1}) == {"X-C": "1"}
    assert present({"a": MISSING, "b": None, "c": dt.date(2025, 12, 1)}) == {"b": None, "c": "2025-12-01"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (1e21, "1000000000000000000000"),
        (0.1, "0.1"),
        ("ñ", "ñ"),
    ],
)
def test_scalars_are_written_as_json_writes_them(value: Any, written: str):
    assert text(value) == written


def test_moments_are_written_in_iso():
    assert text(dt.date(2025, 12, 1)) == "2025-12-01"
    assert text(dt.datetime(2025, 12, 1, 10, tzinfo=dt.UTC)) == "2025-12-01T10:00:00+00:00"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00", " a", "a ", "ñ", "\x7f"])
def test_a_header_that_would_be_another_is_refused_by_name(value: str):
    with pytest.raises(InvalidArguments, match="X-Channel"):
        header_values({"X-Channel": value})


# --- settings --------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(r"\Ahttps?://[ -~]{0,30}\Z"),
        st.from_regex(r"\Ahttps?://[a-z0-9.\[\]:@%_-]{0,30}(/[!-~]{0,9})?\Z"),
    )
)
def test_a_base_url_is_refused_or_can_be_called(value: str):
    try:
        url = Settings({"BASE_URL": value}).url("${BASE_URL}")
    except NotConfigured:
        return
    built = httpx.URL(f"{url}/path")
    assert built.host
    assert not built.userinfo
    assert built.raw_path.endswith(b"/path")


def test_a_base_url_may_stand_in_the_catalog_with_a_setting_inside():
    known = Settings({"REGION": "cl", "EMPTY": " "})
    assert known.url("https://${REGION}.example.com/v1/") == "https://cl.example.com/v1"
    assert known.url("http://[::1]:8080") == "http://[::1]:8080"
    with pytest.raises(NotConfigured, match="EMPTY is missing"):
        known.url("https://${EMPTY}.example.com")
    with pytest.raises(NotConfigured, match="REGION does not give a base URL"):
        known.url("https://me@${REGION}.example.com")


@given(st.text())
def test_a_time_is_refused_or_sensible(value: str):
    try:
        seconds = Settings({"T": value}).seconds("T", 30.0)
    except NotConfigured:
        return
    assert 0 < seconds <= 3600


# --- credentials -----------------------------------------------------------------------------------------------------


def test_each_kind_of_credential_goes_to_its_place():
    known = Settings({"KEY": "k3y-123", "USER": "ana", "PASSWORD": "contraseña 1"})
    assert OPEN.read(known).headers == {}
    assert ApiKey("KEY", "X-Key").read(known).headers == {"X-Key": "k3y-123"}
    assert ApiKey("KEY", "key", "query").read(known).query == {"key": "k3y-123"}
    assert ApiKey("KEY", "session", "cookie").read(known).headers == {"Cookie": "session=k3y-123"}
    assert Bearer("KEY").read(known).headers == {"Authorization": "Bearer k3y-123"}
    carried = Basic("USER", "PASSWORD").read(known)
    encoded = b64encode("ana:contraseña 1".encode()).decode()
    assert carried.headers == {"Authorization": f"Basic {encoded}"}
    assert set(carried.secrets) == {"contraseña 1", encoded}


# --- masking ---------------------------------------------------------------------------------------------------------

SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=40)


@given(SECRETS, st.sampled_from([form for form in ECHOES if form != "UTF-16"]), st.binary(max_size=20))
def test_a_secret_is_masked_in_whatever_form_it_comes(secret: str, form: str, around: bytes):
    content = masked(b"[" + around + b"]" + ECHOES[form](secret) + b"[" + around + b"]", (secret,))
    assert not leaks(content.decode("latin-1").replace(around.decode("latin-1"), ""), secret)
    assert b"***" in content


def test_what_is_no_secret_stays():
    content = '{"a": "k3y", "b": "\\/ % &amp; *** ñ"}'.encode()
    assert masked(content, ("k3y-123456",)) == content


@pytest.mark.parametrize("unit", [b"\\", b"&#0", b"%", b"&#x0", b"k3y-", b"\\u006b\\u0033"])
def test_masking_takes_no_longer_for_a_hostile_answer(unit: bytes):
    started = time.process_time()
    masked(unit * (256_000 // len(unit)), ("k3y-123456-\\-%-&-7890", "/another+one=", "\\\\\\\\\\\\"))
    assert time.process_time() - started < 2


# --- answers ---------------------------------------------------------------------------------------------------------


def failure(**known: Any) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as raised:
        checked(RawAnswer(500, b"", **known), Any, ())
    return raised.value


@given(st.text())
@example("120")
@example("Fri, 31 Dec 99999 23:59:59 GMT")
@example("Fri, 31 Dec 1999 23:59:59 +999999999999")
@example("9" * 5000)
def test_any_retry_after_is_seconds_or_nothing(value: str):
    seconds = failure(retry_after=value).retry_after
    assert seconds is None or 0 <= seconds < 1e12


@given(st.binary(max_size=300), st.integers(200, 599), st.text(max_size=30))
def test_any_answer_is_json_or_a_printable_error(content: bytes, status: int, kind: str):
    answer = RawAnswer(status, content, kind)
    try:
        json.dumps(checked(answer, Any, ("KEY",)))
    except UpstreamError:
        with pytest.raises(UpstreamError) as raised:
            checked(answer, Any, ("KEY",))
        assert raised.value.message.isprintable()
        assert raised.value.detail.isprintable()
        assert len(raised.value.detail) <= 300


class Thing(Model):
    count: int
    ratio: Annotated[float | MISSING, Field(alias="theRatio")] = MISSING
    kind: Literal["a", "b"] | str | MISSING | None = MISSING
    day: dt.date | MISSING = MISSING


@pytest.mark.parametrize(
    "content",
    ['{"count":1}', '{"count":1.0}', '{"count":1,"theRatio":1}', '{"count":1,"kind":"new","day":"2025-12-01","x":[]}'],
)
def test_what_json_schema_takes_is_taken(content: str):
    checked(RawAnswer(200, content.encode()), Thing, ())


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('{"count":1.5}', "count"),
        ('{"count":"1"}', "count"),
        ('{"count":1,"theRatio":"0.5"}', "theRatio"),
        ('{"count":1,"theRatio":null}', "theRatio"),
        ('{"count":1,"day":"2025-13-01"}', "day"),
        ('{"count":1,"day":20251201}', "day"),
        ("[]", "the answer itself"),
    ],
)
def test_what_json_schema_refuses_is_refused_by_place(content: str, place: str):
    with pytest.raises(SchemaMismatch, match=place) as raised:
        checked(RawAnswer(200, content.encode()), Thing, ())
    assert raised.value.data is not None


def test_nothing_is_an_answer_where_anything_is():
    assert checked(RawAnswer(204, b""), Any, ()) is None
    with pytest.raises(NotJson):
        checked(RawAnswer(204, b""), Thing, ())


# --- bases -----------------------------------------------------------------------------------------------------------


def test_what_a_caller_passes_is_closed_unless_it_is_open():
    class Closed(InputModel):
        name: str

    class Open(OpenInputModel):
        name: str

    with pytest.raises(ValueError, match="extra"):
        Closed.model_validate({"name": "a", "extra": 1})
    assert Open.model_validate({"name": "a", "extra": 1}).model_dump() == {"name": "a", "extra": 1}


# --- transport -------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_connection_that_is_not_accepted_is_given_up():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        for one in (first, second):  # nobody accepts, so these fill the queue
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        transport = AiohttpTransport(connections=1, connect_timeout=0.2)
        async with httpx.AsyncClient(transport=transport, timeout=None) as http:  # noqa: S113 - the transport's own
            with pytest.raises(httpx.ConnectTimeout):
                await http.get(f"http://127.0.0.1:{full.getsockname()[1]}/")


@pytest.mark.anyio
async def test_a_url_goes_out_as_it_was_built(upstream: Upstream):
    upstream.answer = fixed("{}")
    async with httpx.AsyncClient(transport=AiohttpTransport(connections=1, connect_timeout=5)) as http:
        await http.get(f"{upstream.url}/a%2Fb/%C3%B1/{{x}};v=1?q=a%2Bb&r=%26&s=a+b&e=")
    assert upstream.received[0].target == "/a%2Fb/%C3%B1/%7Bx%7D;v=1?q=a%2Bb&r=%26&s=a+b&e="
