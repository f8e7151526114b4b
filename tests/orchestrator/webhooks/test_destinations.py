"""Webhooks go to public addresses over https, unless the configuration allows more."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.webhooks import destinations, posting, signing
from mcp_codegen.orchestrator.webhooks.destinations import Allowed, Refused
from tests.orchestrator.service.conftest import ROOT
from tests.orchestrator.webhooks.receiving import receiving
from tests.runtime.test_doctor_network import certificate

REFUSED = [
    *("http://example.com/", "ftp://example.com/", "file:///etc/passwd", "//example.com/", "https:///x", "example.com"),
    *("https://user@example.com/", "https://user:pw@example.com/", "https://:@example.com/", "https://example.com/#x"),
    *("https://example.com:22/", "https://example.com:6379/", "https://example.com:99999/", "https://example.com:x/"),
    *(
        "https://exa mple.com/",
        "https://exam\u200bple.com/",
        "https://example.com/\r\nX: y",
        "https://ex\u00e4mple.com/",
    ),
    *("https://127.0.0.1/", "https://127.9.9.9/", "https://0.0.0.0/", "https://10.0.0.1/", "https://172.16.3.4/"),
    *("https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://224.0.0.1/"),
    *("https://255.255.255.255/", "https://192.0.2.1/", "https://198.18.0.1/", "https://240.0.0.1/"),
    *("https://[::1]/", "https://[::]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[fd00::1]/"),
    *("https://[ff02::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/", "https://[64:ff9b::7f00:1]/"),
    *(
        "https://[2002:7f00:1::]/",
        "https://[fd00:ec2::254]/",
        "https://[::127.0.0.1]/",
        "https://[::ffff:0:127.0.0.1]/",
    ),
    *(
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://[x]/",
    ),
    *(
        "https://-bad.example/",
        "https://a..b/",
        "https://" + "a" * 64 + ".example/",
        "https://example.com/" + "x" * 2000,
    ),
    *("https://example.com\\@127.0.0.1/", "https://%31%32%37.0.0.1/", "https://127.0.0.1./"),
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_destination_that_is_not_public_https_is_refused_by_its_text(url: str) -> None:
    with pytest.raises(Refused):
        destinations.check_url(url, Allowed())


@pytest.mark.parametrize("url", ["https://example.com/x?y=1", "https://example.com:8443/", "https://93.184.215.14/"])
def test_public_https_is_taken(url: str) -> None:
    destinations.check_url(url, Allowed())


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1.example", "two.example"])
async def test_a_name_that_leads_to_such_an_address_is_refused_when_it_is_sent(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> Any:
        found = ["93.184.215.14", "127.0.0.1"] if name == "two.example" else ["127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    parts = destinations.check_url(f"https://{name}/", Allowed())
    with pytest.raises(Refused):
        await destinations.resolve(parts, Allowed())


@pytest.mark.anyio
async def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def getaddrinfo(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"  # the name leads elsewhere from the second time on
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with receiving("whsec_" + "A" * 32) as receiver:
        url = receiver.url.replace("127.0.0.1", "rebinding.example")
        allow = destinations.allowed(["rebinding.example"])
        answer = await posting.post(url, "{}", {}, allow, ssl.create_default_context())
    assert answer.status == 400, "it was reached: its signature is what it refuses"
    assert asked == ["rebinding.example"]


def test_what_is_allowed_is_allowed_and_no_more() -> None:
    allow = destinations.allowed(["10.1.0.0/16", "Hooks.Internal", "::1"])
    for url in ("http://10.1.2.3:8000/", "https://hooks.internal:9000/", "http://hooks.internal/", "http://[::1]:1/"):
        destinations.check_url(url, allow)
    for url in ("http://10.2.0.1/", "https://127.0.0.1/", "https://169.254.169.254/"):
        with pytest.raises(Refused):
            destinations.check_url(url, allow)
    destinations.check_address("hooks.internal", ipaddress.ip_address("192.168.0.9"), allow)
    with pytest.raises(Refused):
        destinations.check_address("hooks.internal", ipaddress.ip_address("169.254.169.254"), allow)
    for words in ("10.1.0.1/16", "999.1.1.1", "http://x", "a b", ""):
        with pytest.raises(UserError):
            destinations.allowed([words])


@pytest.mark.anyio
async def test_redirects_are_not_followed_and_little_is_kept_of_an_answer() -> None:
    secret = "whsec_" + "A" * 32
    with receiving(secret, answer=lambda _event, _times: 307) as receiver:
        allow, tls = destinations.allowed(["127.0.0.1"]), ssl.create_default_context()
        redirected = await posting.post(receiver.url, "{}", {}, allow, tls)
        assert redirected.status == 400, "unsigned"
        assert redirected.problem == "HTTP 400: no: call *** or mail *** ***"
        payload = json.dumps({"id": "evt_1"})
        redirected = await posting.post(receiver.url, payload, signing.headers("evt_1", payload, [secret]), allow, tls)
        assert (redirected.status, redirected.problem) == (307, "HTTP 307: redirects are not followed")
        assert receiver.paths == ["/hook"]


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["hooks.example", "other.example"])
async def test_over_tls_the_certificate_must_be_the_names_though_the_address_is_connected_to(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    file = certificate(tmp_path, host="hooks.example", ends=ends)
    with receiving("whsec_" + "A" * 32) as receiver:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(file)
        receiver.wrap(tls)
        url = receiver.url.replace("http://127.0.0.1", f"https://{name}")
        trusting = ssl.create_default_context(cafile=str(file))
        answer = await posting.post(url, "{}", {}, destinations.allowed([name]), trusting)
    assert (answer.status, answer.problem.partition(":")[0]) == (
        (400, "HTTP 400") if name == "hooks.example" else (None, "cannot be reached (ConnectError)")
    )


def test_the_receiver_in_the_document_takes_what_is_signed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text("utf-8"), re.DOTALL)
    space: dict[str, Any] = {}
    exec(program, space)  # noqa: S102 - the document's own
    secret = signing.new_secret()
    monkeypatch.setenv("WEBHOOK_SECRET_OPS", secret)
    payload = json.dumps({"id": "evt_1", "type": "run.failed", "data": {}})
    with TestClient(space["app"]) as client:
        headers = signing.headers("evt_1", payload, [secret])
        assert client.post("/runs", content=payload, headers=headers).status_code == 200
        assert client.post("/runs", content=payload + " ", headers=headers).status_code == 401
    assert space["seen"] == {"evt_1"}
