"""Parts of the runtime where they stand: what no call of the flagship's three tools can reach."""

from __future__ import annotations

import datetime as dt
import socket
import sys
from base64 import b64encode
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import MISSING

from telefonica_mcp.errors import (
    InvalidArguments,
    NotConfigured,
)
from telefonica_mcp.runtime.bases import InputModel, OpenInputModel
from telefonica_mcp.runtime.credentials import OPEN, ApiKey, Basic, Bearer
from telefonica_mcp.runtime.settings import Settings
from telefonica_mcp.runtime.styles import text
from telefonica_mcp.runtime.transport import AiohttpTransport
from telefonica_mcp.runtime.wire import fill, header_values, present, query_string
from tests.runtime.answers import fixed
from tests.runtime.upstream import Upstream

# --- wire ------------------------------------------------------------------------------------------------------------


@given(st.text(min_size=1))
@example("a/b")
@example("a..b/...")
@example("%2e%2e")
@example("a?b=1#c")
@example("a\r\nHost: evil")
def test_a_path_argument_is_one_segment_and_nothing_else(value: str):
    try:
        target = fill("/clients/{id}/invoices", {"id": value})
    except InvalidArguments:
        assert not value.isprintable() or any(dot in normalize("NFKC", unquote(value)) for dot in ".\ud800")
        return
    url = httpx.URL(f"https://api.example.com{target}")
    assert (url.host, url.query, url.fragment) == ("api.example.com", b"", "")
    before, inner, after = url.raw_path.decode().lstrip("/").split("/")
    assert (before, unquote(inner), after) == ("clients", value, "invoices")


ANOTHER_PATH = {
    "none": "",
    "this one": ".",
    "the one above": "..",
    "one above, as a proxy reads it that decodes first": "a/../../admin",
    "at the end": "a/..",
    "of a server that takes parameters off": "..;x=1/admin",
    "of Windows": "..\\admin",
    "of a server that decodes twice": "%2e%2E%2fadmin",
    "full-width": "\uff0e\uff0e\uff0fadmin",
    "two dots in one": "\u2025/admin",
}


@pytest.mark.parametrize("value", ANOTHER_PATH.values(), ids=ANOTHER_PATH)
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
    assert ApiKey("KEY", "session", "cookie").read(known).cookies == {"session": "k3y-123"}
    assert Bearer("KEY").read(known).headers == {"Authorization": "Bearer k3y-123"}
    carried = Basic("USER", "PASSWORD").read(known)
    encoded = b64encode("ana:contraseña 1".encode()).decode()
    assert carried.headers == {"Authorization": f"Basic {encoded}"}
    assert set(carried.secrets) == {"contraseña 1", encoded}


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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses, or takes more")
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
