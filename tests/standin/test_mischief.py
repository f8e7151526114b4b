"""Faults that are more than a status, seen by a caller of the served stand-in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from mcp_codegen.errors import SettingsError
from mcp_codegen.standin import Fault, parse_fault

from .conftest import DEBT, TELEFONICA, TOKEN

BODY = {"customerIdentification": "157938264", "type": "RUT", "document": "1"}


@contextmanager
def mocked(*faults: str) -> Iterator[httpx.Client]:
    """A client of `mcp-codegen mock` with these faults."""
    options = [part for fault in faults for part in ("--fail", fault)]
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(TELEFONICA), "--port", "0", "--json", *options]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ, cwd=Path(__file__).parent
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        match = re.search(r'"url": "([^"]+)"', process.stdout.readline())
        assert match is not None
        with httpx.Client(base_url=match[1], timeout=60, headers=TOKEN) as client:
            yield client
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Of a stand-in whose every call goes wrong in the next way; each but the last is met once."""
    faults = [f"deuda_fija={name}@{n}x1" for n, name in enumerate(ORDER)]
    with mocked(*faults) as client:
        yield client


ORDER = [
    *("reset", "truncated", "invalid-json", "deep-json", "wrong-type", "drift"),
    *("waf", "redirect", "bomb", "endless", "echo"),
]


def test_one_after_the_other_every_mischief_happens_and_the_next_call_is_good(client):
    with pytest.raises(httpx.TransportError):
        client.post(DEBT, json=BODY)
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
        client.post(DEBT, json=BODY)

    invalid = client.post(DEBT, json=BODY)
    assert invalid.headers["content-type"] == "application/json"
    with pytest.raises(ValueError, match=r"Expecting|Illegal"):
        invalid.json()
    deep = client.post(DEBT, json=BODY)
    with pytest.raises(RecursionError):
        deep.json()
    assert client.post(DEBT, json=BODY).headers["content-type"] == "image/png"
    assert client.post(DEBT, json=BODY).json()["drifted"] is True
    page = client.post(DEBT, json=BODY)
    assert page.status_code == 200
    assert "support ID" in page.text
    moved = client.post(DEBT, json=BODY)
    assert moved.status_code == 302
    assert moved.headers["location"].startswith("http://elsewhere.invalid/")

    with client.stream("POST", DEBT, json=BODY) as bomb:
        assert bomb.headers["content-encoding"] == "gzip"
        unpacker, size = zlib.decompressobj(wbits=31), 0
        for packed in bomb.iter_raw():
            size += len(unpacker.decompress(packed))
        assert size > 100_000_000
    with client.stream("POST", DEBT, json=BODY) as endless:
        read = 0
        for piece in endless.iter_raw():
            read += len(piece)
            if read > 5_000_000:
                break
    echo = client.post(DEBT, json=BODY)
    assert echo.status_code == 400
    assert TOKEN["Authorization"] in echo.text

    assert client.post(DEBT, json=BODY).status_code == 200


def test_a_fault_may_begin_late_and_end(telefonica):
    with mocked("deuda_fija=401@2", "*=503@1x1") as client:
        assert [client.post(DEBT, json=BODY).status_code for _ in range(4)] == [200, 503, 401, 401]


def test_a_dripping_answer_arrives_in_the_end():
    with mocked("deuda_fija=drip") as client, client.stream("POST", DEBT, json=BODY) as response:
        assert len(list(zip(response.iter_raw(), range(3), strict=False))) == 3


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("*=reset:0.05", Fault("*", "reset", 0.05)),
        ("deuda_fija=401@20", Fault("deuda_fija", 401, after=20)),
        ("deuda_fija=503:0.5@20x5", Fault("deuda_fija", 503, 0.5, 20, 5)),
    ],
)
def test_a_fault_says_how_often_and_from_when(text, fault):
    assert parse_fault(text, ["deuda_fija"]) == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deuda_fija=rest", "'rest'; did you mean 'reset'?"),
        ("deuda_fija=503@", "'' does not say which calls"),
        ("deuda_fija=503@2x", "'2x' does not say which calls"),
        ("deuda_fija=503@-1", "'-1' does not say which calls"),
    ],
)
def test_a_fault_that_is_none_is_refused_in_words(text, said):
    with pytest.raises(SettingsError, match=re.escape(said)):
        parse_fault(text, ["deuda_fija"])
