"""Answers of the upstream where they are read: masked, checked, told; for any bytes whatever."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import MISSING, Field

from telefonica_mcp.errors import (
    NotJson,
    SchemaMismatch,
    UpstreamError,
    UpstreamFailed,
)
from telefonica_mcp.runtime.answers import checked
from telefonica_mcp.runtime.bases import Model
from telefonica_mcp.runtime.exchange import RawAnswer
from telefonica_mcp.runtime.masking import masked
from tests.runtime.answers import ECHOES
from tests.runtime.leaks import leaks

# --- masking ---------------------------------------------------------------------------------------------------------

SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=40)


@given(SECRETS, st.sampled_from([form for form in ECHOES if form != "UTF-16"]), st.binary(max_size=20))
def test_a_secret_is_masked_in_whatever_form_it_comes(secret: str, form: str, around: bytes):
    content = masked(b"[" + around + b"]" + ECHOES[form](secret) + b"[" + around + b"]", (secret,))
    assert not leaks(content.decode("latin-1").replace(around.decode("latin-1"), ""), secret)
    assert b"***" in content


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32-be", "cp500", "gb18030", "latin-1"])
def test_a_secret_is_masked_in_text_of_any_character_set(charset: str):
    content = "the key ñ k3y-123456 was refused".encode(charset)
    answer = RawAnswer(200, content, {"content-type": f"text/plain; charset={charset}"})
    assert checked(answer.without(("k3y-123456",)), str, ()).data == "the key ñ *** was refused"


def test_what_is_no_secret_stays():
    content = '{"a": "k3y", "b": "\\/ % &amp; *** ñ"}'.encode()
    assert masked(content, ("k3y-123456",)) == content


@pytest.mark.parametrize("unit", [b"\\", b"&#0", b"%", b"&#x0", b"k3y-", b"\\u006b\\u0033"])
def test_masking_takes_no_longer_for_a_hostile_answer(unit: bytes):
    started = time.process_time()
    masked(unit * (256_000 // len(unit)), ("k3y-123456-\\-%-&-7890", "/another+one=", "\\\\\\\\\\\\"))
    assert time.process_time() - started < 2


# --- answers ---------------------------------------------------------------------------------------------------------


def failure(**headers: str) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as raised:
        checked(RawAnswer(500, b"", {name.replace("_", "-"): value for name, value in headers.items()}), Any, ())
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
    answer = RawAnswer(status, content, {"content-type": kind})
    try:
        answered = checked(answer, Any, ("KEY",))
        if not isinstance(answered.data, bytes):
            json.dumps(answered.data)
        assert answered.media_type.isprintable()
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
    assert checked(RawAnswer(204, b""), Any, ()).data is None
    with pytest.raises(NotJson):
        checked(RawAnswer(204, b""), Thing, ())
