"""Who may call over HTTP, and what: tokens of an authorization server, keys, scopes, and what is written down of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import NotConfigured
from telefonica_mcp.runtime.api_keys import make_key
from telefonica_mcp.runtime.audit import AuditLog
from tests.generated import Built
from tests.runtime.doors import HttpServer, free_port, http_server, surroundings, until
from tests.runtime.issuer import RSA_KEY, Issuer, public, running
from tests.runtime.leaks import leaks
from tests.runtime.shop import SECRET_ARGUMENT, SERVE, TOOLS, built, call, done, listed, send
from tests.runtime.upstream import Upstream

GUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
KEY, STORED = make_key("warehouse", ["write"])


@dataclass(frozen=True)
class Shop:
    """The server, and those whom it trusts."""

    server: HttpServer
    issuer: Issuer
    tenant: Issuer
    """Another issuer, with a path in its name and a slash at its end, as Entra ID's of version 1."""
    gone: Issuer
    """A third, which cannot be reached."""
    audit: Path
    package: Built

    @property
    def port(self) -> int:
        return self.server.port

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


@pytest.fixture(scope="module")
def shop(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    package = built(folder)
    gone = Issuer(base=f"http://127.0.0.1:{free_port()}")
    with running() as issuer, running("/tenant/") as tenant:
        environ = {
            "PYTHONPATH": str(package.folder),
            "SHOP_URL": shared_upstream.url,
            "MCP_AUTH_ISSUER": f"{issuer.url} {tenant.url} {gone.url}",
            "MCP_AUTH_AUDIENCE": f"api://shop {GUID}",
            "MCP_SCOPE_READ": "api://shop/Orders.Read read",
            "MCP_API_KEYS": str(STORED),
        }
        with http_server(environ, folder, "--audit-log", "audit.jsonl", serve=SERVE) as server:
            yield Shop(server, issuer, tenant, gone, folder / "audit.jsonl", package)


@pytest.fixture(autouse=True)
def answering(upstream: Upstream) -> None:
    upstream.answer = done


# --- Tokens ----------------------------------------------------------------------------------------------------------

STRANGER = rsa.generate_private_key(65537, 2048)
PEM = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def part(content: object) -> str:
    return (
        urlsafe_b64encode(content if isinstance(content, bytes) else json.dumps(content).encode()).rstrip(b"=").decode()
    )


def claims(issuer: Issuer) -> dict[str, object]:
    return {"iss": issuer.url, "aud": "api://shop", "sub": "eve", "scp": "destructive", "exp": int(time.time()) + 600}


def forged(issuer: Issuer) -> str:
    return jwt.encode(claims(issuer), STRANGER, "RS256", {"kid": "rsa"})


def unsigned(issuer: Issuer) -> str:
    return f"{part({'alg': 'none', 'kid': 'rsa'})}.{part(claims(issuer))}."


def confused(issuer: Issuer) -> str:
    """Signed with the public key as if it were a shared secret."""
    head = f"{part({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{part(claims(issuer))}"
    return f"{head}.{part(jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head.encode(), PEM))}"


def foreign(issuer: Issuer, **headers: object) -> str:
    """Signed with a stranger's key, which the token itself vouches for."""
    return jwt.encode(claims(issuer), STRANGER, "RS256", {"kid": "rsa", **headers})


def owned(issuer: Issuer) -> str:
    return foreign(issuer, jwk=public("rsa", STRANGER))


def deep(issuer: Issuer) -> str:
    nested = b'{"iss": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    return f"{part({'alg': 'RS256', 'kid': 'rsa'})}.{part(nested)}.{part(b'x')}"


Make = Callable[[Issuer], str]
REFUSED: dict[str, Make] = {
    "no token": lambda _: "",
    "no token at all": lambda _: "x.y.z",
    "a key that is none": lambda _: secrets.token_urlsafe(32),
    "too long": lambda issuer: issuer.token(scp="read", long="x" * 20_000),
    "nested deeper than anybody reads": deep,
    "no text": lambda _: f"{part({'alg': 'RS256'})}.{part(bytes([0xff, 0xfe]))}.{part(b'x')}",
    "a head that is a list": lambda _: f"{part(['alg'])}.{part({})}.{part(b'x')}",
    "an algorithm that is a list": lambda _: f"{part({'alg': ['RS256']})}.{part({})}.{part(b'x')}",
    "a key's name that is a list": lambda issuer: f"{part({'alg': 'RS256', 'kid': ['rsa']})}.{part(claims(issuer))}.eA",
    "an end that is infinite": lambda issuer: issuer.token(scp="read", exp=float("inf")),
    "expired": lambda issuer: issuer.token(scp="read", exp=int(time.time()) - 60),
    "not valid yet": lambda issuer: issuer.token(scp="read", nbf=int(time.time()) + 600),
    "no end": lambda issuer: issuer.token(scp="read", exp=None),
    "another's audience": lambda issuer: issuer.token(scp="read", aud="api://bank"),
    "no audience": lambda issuer: issuer.token(scp="read", aud=None),
    "another issuer": lambda issuer: issuer.token(scp="read", iss="https://evil.example"),
    "an issuer that is a list": lambda issuer: issuer.token(scp="read", iss=[issuer.url]),
    "forged": forged,
    "unsigned": unsigned,
    "HS256 with the public key": confused,
    "an algorithm of another kind of key": lambda issuer: issuer.token(headers={"kid": "ec"}, scp="read"),
    "an identity, not an access": lambda issuer: issuer.token(headers={"typ": "id_token"}, scp="read"),
    "an end that is a text": lambda issuer: issuer.token(scp="read", exp=str(int(time.time()) + 600)),
    "a start that is nothing": lambda issuer: issuer.token(scp="read").replace(".", f".{part({'nbf': None})}", 1),
    "issued in the future": lambda issuer: issuer.token(scp="read", iat=int(time.time()) + 600),
    "an empty list of audiences": lambda issuer: issuer.token(scp="read", aud=[]),
    "an audience that is an object": lambda issuer: issuer.token(scp="read", aud=[{"api://shop": 1}]),
    "an audience that begins like ours": lambda issuer: issuer.token(scp="read", aud="api://shop.evil"),
    "an issuer with a slash more": lambda issuer: issuer.token(scp="read", iss=f"{issuer.url}/"),
    "a key of its own": owned,
    "keys from elsewhere": lambda issuer: foreign(issuer, jku="http://evil.example/keys", x5u="http://evil.example"),
    "claims that are not encoded": lambda issuer: issuer.token(headers={"b64": False, "crit": ["b64"]}, scp="read"),
    "an extension that must be understood": lambda issuer: issuer.token(headers={"crit": ["x"], "x": 1}, scp="read"),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_what_is_not_to_be_trusted_is_refused(shop: Shop, upstream: Upstream, make: Make):
    said = call(shop.port, "show_order", make(shop.issuer))
    assert said.status == 401
    assert f'resource_metadata="http://127.0.0.1:{shop.port}/.well-known/oauth-protected-resource/mcp"' in (
        said.headers["www-authenticate"]
    )
    assert upstream.received == []


def test_who_shows_two_credentials_shows_none(shop: Shop):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    for first, second in ((KEY, "x"), ("x", KEY), (KEY, KEY)):
        connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=60)
        connection.putrequest("POST", "/mcp")
        for token in (first, second):
            connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Accept", "application/json, text/event-stream")
        connection.endheaders(body.encode())
        assert connection.getresponse().status == 400
        connection.close()


def test_other_schemes_than_bearer_are_refused(shop: Shop):
    for header in ("Basic d2FyZWhvdXNlOg==", KEY, f"Token {KEY}", "Bearer", "Bearer \u00e9"):
        assert call(shop.port, "show_order", Authorization=header).status == 401


ACCEPTED: dict[str, dict[str, object]] = {
    "RS256": {"scope": "openid read"},
    "PS256": {"algorithm": "PS256", "scope": "read"},
    "ES256": {"kid": "ec", "algorithm": "ES256", "scope": "read"},
    "EdDSA": {"kid": "ed", "algorithm": "EdDSA", "scope": "read"},
    "an access token by its type": {"headers": {"typ": "at+jwt"}, "scope": "read"},
    "Entra ID, of a user": {"aud": GUID, "scp": "Orders.Read User.Read", "azp": GUID},
    "Entra ID, of a program": {"aud": GUID, "roles": ["Orders.Read"], "appid": GUID, "sub": None},
    "one audience of several": {"aud": ["https://graph.example", "api://shop"], "scp": ["read"]},
    "a clock that is ahead": {"nbf": int(time.time()) + 20, "scope": "read"},
}


@pytest.mark.parametrize("token", ACCEPTED.values(), ids=ACCEPTED)
def test_tokens_of_the_issuer_are_accepted(shop: Shop, token: dict[str, object]):
    assert call(shop.port, "show_order", shop.issuer.token(**token)).result["structuredContent"] == {"done": True}  # type: ignore[arg-type]


def test_a_token_without_a_scope_of_this_server_may_do_nothing(shop: Shop, upstream: Upstream):
    for token in (
        shop.issuer.token(scp="User.Read"),
        shop.issuer.token(),
        shop.issuer.token(scope=7, roles={"read": 1}),
    ):
        said = call(shop.port, "show_order", token)
        assert said.status == 403
        assert 'error="insufficient_scope"' in said.headers["www-authenticate"]
    assert upstream.received == []


def test_keys_that_change_are_fetched(shop: Shop):
    assert call(shop.port, "show_order", shop.issuer.token(scp="read")).status == 200
    old, fetched = shop.issuer.token(scp="read"), shop.issuer.asked.count("/keys")
    shop.issuer.keys["next"] = STRANGER
    del shop.issuer.keys["rsa"]
    try:
        assert call(shop.port, "show_order", shop.issuer.token("next", scp="read")).status == 200
        assert shop.issuer.asked.count("/keys") == fetched + 1
        assert call(shop.port, "show_order", old).status == 401
    finally:
        shop.issuer.keys = {"rsa": RSA_KEY, **shop.issuer.keys}


def test_keys_that_nobody_knows_do_not_trouble_the_issuer(shop: Shop):
    good = shop.tenant.token(scp="read")
    assert call(shop.port, "show_order", good).status == 200
    names = ["", "../../../dev/null", "k" * 9_000, *(secrets.token_hex(8) for _ in range(40))]
    unknown = [shop.tenant.token(headers={"kid": name}) for name in names]
    with ThreadPoolExecutor(20) as flood:
        assert {said.status for said in flood.map(partial(call, shop.port, "show_order"), unknown)} == {401}
    assert shop.tenant.asked.count("/keys") <= 5
    assert call(shop.port, "show_order", good).status == 200


def test_nobody_is_let_in_on_the_word_of_an_issuer_that_cannot_be_asked(shop: Shop, upstream: Upstream):
    said = call(shop.port, "show_order", shop.gone.token(scp="read"))
    assert (said.status, said.headers["retry-after"]) == (503, "60")
    assert "Try again" in said.body.decode()
    assert upstream.received == []
    assert call(shop.port, "show_order", shop.issuer.token(scp="read")).status == 200


def test_a_client_finds_out_where_tokens_come_from(shop: Shop):
    found = send(shop.port, None, path="/.well-known/oauth-protected-resource/mcp", method="GET")
    metadata = json.loads(found.body)
    assert metadata["resource"] == f"http://127.0.0.1:{shop.port}/mcp"
    assert metadata["authorization_servers"] == [shop.issuer.url, shop.tenant.url, shop.gone.url]
    assert metadata["scopes_supported"] == ["api://shop/Orders.Read", "write", "destructive"]


# --- Scopes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "allowed"), [("read", 1), ("write", 2), ("destructive", 3)])
def test_a_caller_sees_and_calls_what_its_scope_lets_it(shop: Shop, upstream: Upstream, scope: str, allowed: int):
    token = shop.issuer.token(scope=scope)
    assert listed(shop.port, token).tools == TOOLS[:allowed]
    for tool in TOOLS[:allowed]:
        assert not call(shop.port, tool, token).result.get("isError")
    sent = len(upstream.received)
    for tool in TOOLS[allowed:]:
        error = call(shop.port, tool, token).error
        assert error["code"] == "not_allowed"
        assert tool in error["message"]
        assert error["hint"]
    assert (sent, len(upstream.received)) == (allowed, allowed)


@pytest.mark.anyio
async def test_what_a_caller_may_see_is_not_kept_for_others(shop: Shop):
    headers = {"Authorization": f"Bearer {shop.issuer.token(scope='read')}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http_client,
        Client(streamable_http_client(shop.server.url, http_client=http_client)) as client,
    ):
        page = await client.list_tools()
        assert [tool.name for tool in page.tools] == ["show_order"]
        assert page.cache_scope == "private"
        assert (await client.call_tool("remove_order", {"order": "A-1"})).is_error


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_a_key_has_the_scopes_that_it_was_made_with(shop: Shop):
    assert listed(shop.port, KEY).tools == TOOLS[:2]
    assert call(shop.port, "remove_order", KEY).error["code"] == "not_allowed"
    assert call(shop.port, "add_note", KEY).result["structuredContent"] == {"done": True}
    for other in (KEY[:-1], f"{KEY}x", KEY.swapcase(), STORED.digest, str(STORED)):
        assert call(shop.port, "show_order", other).status == 401


@pytest.mark.anyio
async def test_the_client_comes_with_a_key_and_is_told_what_it_may_not(shop: Shop):
    with shop.package.importable():
        client_type, errors = shop.package.load("client").ShopClient, shop.package.load("errors")
        async with client_type.connect(shop.server.url, token=f" {KEY}\n") as client:
            assert await client.add_note(order="A-1") == {"done": True}
            with pytest.raises(errors.NotAllowed, match="needs the scope destructive"):
                await client.remove_order(order="A-1")


REFUSED: dict[str, tuple[Callable[[Shop], str], str]] = {
    "none": (lambda _: "", r"wants to know who calls \(HTTP 401\).*token="),
    "a wrong one": (lambda _: "wr0ng-t0ken", r"did not accept the token \(HTTP 401\)"),
    "one without a scope": (lambda shop: shop.issuer.token(scp="other"), r"allows nothing here \(HTTP 403\)"),
}


@pytest.mark.anyio
@pytest.mark.parametrize(("token", "said"), REFUSED.values(), ids=REFUSED)
async def test_a_client_whose_token_is_refused_is_told_so(shop: Shop, token: Callable[[Shop], str], said: str):
    with shop.package.importable():
        errors, sent = shop.package.load("errors"), token(shop)
        with pytest.raises(errors.NotAllowed, match=said) as raised:
            async with shop.package.load("client").ShopClient.connect(shop.server.url, token=sent):
                pass
    assert not sent or not leaks(str(raised.value), sent)


@pytest.mark.anyio
async def test_a_token_that_ends_during_a_session_is_said_to_be_what_is_wrong(shop: Shop):
    with shop.package.importable():
        errors = shop.package.load("errors")

        async def refusal(seconds: int) -> str:
            """Of a token that is good for so many seconds more; "" where that is too short for a first call."""
            ending = shop.issuer.token(scp="read", exp=int(time.time()) + seconds - 30)  # clocks may differ by 30
            deadline, calls = time.monotonic() + seconds + 60, 0
            try:
                async with shop.package.load("client").ShopClient.connect(shop.server.url, token=ending) as client:
                    while time.monotonic() < deadline:
                        assert await client.show_order(order="A-1") == {"done": True}
                        calls += 1
                        await asyncio.sleep(0.1)
            except errors.NotAllowed as error:
                return str(error) if calls else ""
            pytest.fail("it is let in for ever")

        assert "HTTP 401" in (await refusal(2) or await refusal(20))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("http://mcp.example.com/mcp", "t0ken-0123", "an open connection"),
        ("https://mcp.example.com/mcp", "t0ken 0123", "holds blanks"),
        ("https://mcp.example.com/mcp", "t0ken\r\nX-Other: 0123", "holds blanks"),
        (StdioServerParameters(command="false"), "t0ken-0123", "for a server at a URL"),
    ],
    ids=["http", "blanks", "another header", "no URL"],
)
async def test_a_token_goes_nowhere_where_it_could_be_read(url: object, token: str, said: str):
    with pytest.raises(NotConfigured, match=said) as raised:
        async with TelefonicaClient.connect(url, token=token):  # type: ignore[arg-type]
            pass
    assert not leaks(str(raised.value), token)


# --- What goes out, and what is written down -------------------------------------------------------------------------


def test_what_let_a_caller_in_goes_no_further(shop: Shop, upstream: Upstream):
    token = shop.issuer.token(scp="read")
    assert call(shop.port, "show_order", token, Cookie=f"session={token}").status == 200
    assert call(shop.port, "show_order", KEY).status == 200
    assert len(upstream.received) == 2
    everything = "".join(f"{request.target}{request.headers}{request.body!r}" for request in upstream.received)
    everything += shop.server.said() + shop.audit.read_text()
    assert not leaks(everything, token, KEY, STORED.digest)
    assert not [request for request in upstream.received if request.header("Authorization")]


def test_each_call_is_one_line_without_its_arguments(shop: Shop, upstream: Upstream):
    before = len(shop.lines())
    call(shop.port, "show_order", KEY, {"order": SECRET_ARGUMENT})
    call(shop.port, "show_order", shop.issuer.token(scp="read"), {"order": 7, "extra": SECRET_ARGUMENT})
    call(shop.port, "remove_order", shop.issuer.token(scp="read", sub="a\x1b[2J\n\u202e{}"))
    call(shop.port, "\x1b]0;gone\x07\x7f\u202e\n" + "x" * 1000, KEY)
    lines = shop.lines()[before:]
    assert [(line["caller"], line["outcome"]) for line in lines] == [
        ("key:warehouse", "ok"),
        ("token:maria", "invalid_arguments"),
        ("token:a\x1b[2J\n\u202e{}", "not_allowed"),
        ("key:warehouse", "protocol_error"),
    ]
    assert [line["tool"] for line in lines[:3]] == ["show_order", "show_order", "remove_order"]
    assert len(str(lines[3]["tool"])) == 128
    assert all(isinstance(line["milliseconds"], float) and str(line["time"]).endswith("+00:00") for line in lines)
    raw = shop.audit.read_bytes()
    assert raw.replace(b"\n", b"").isascii()
    assert raw.replace(b"\n", b"").decode().isprintable()
    assert SECRET_ARGUMENT.encode() not in raw
    assert shop.audit.stat().st_mode & 0o077 == 0


def test_who_is_refused_at_the_door_leaves_a_line_without_what_was_shown(shop: Shop):
    second = int(time.monotonic())
    until(lambda: int(time.monotonic()) > second)  # others were refused too, and only so many a second leave a line
    before = len(shop.lines())
    stranger, poor = shop.issuer.token(scp="read", aud="other"), shop.issuer.token(scp="other", sub="pablo")
    assert [call(shop.port, "show_order", token).status for token in ("", stranger, poor)] == [401, 401, 403]
    lines = shop.lines()[before:]
    assert [(line["caller"], line["outcome"]) for line in lines] == [
        ("", "unauthenticated"),
        ("", "unauthenticated"),
        ("token:pablo", "no_scope"),
    ]
    assert {line["address"] for line in lines} == {"127.0.0.1"}
    assert not leaks(shop.audit.read_text(), stranger, poor)


def test_many_who_are_refused_do_not_fill_the_audit_log(tmp_path: Path):
    log = AuditLog(str(tmp_path / "audit.jsonl"))
    begun = time.monotonic()
    for _ in range(500):
        log.refused("10.0.0.1", "", "unauthenticated")
    seconds = int(time.monotonic()) - int(begun) + 1
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert 10 <= len(lines) <= 10 * seconds


def test_who_watches_needs_no_credential_and_learns_nothing(shop: Shop):
    said = send(shop.port, None, path="/healthz", method="GET", Host="10.0.0.7:8000")
    assert (said.status, said.body) == (200, b'{"status":"ok"}')
    assert set(said.headers) == {"date", "content-type", "content-length", "cache-control"}


# --- A server that only reads ----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_server_that_only_reads_does_so_for_everybody(tmp_path: Path, upstream: Upstream):
    environ = surroundings({"PYTHONPATH": str(built(tmp_path).folder), "SHOP_URL": upstream.url})
    words = [*SERVE[1:], "--read-only", "--audit-log", "-"]
    command = StdioServerParameters(command=SERVE[0], args=words, env=environ, cwd=tmp_path)
    with (tmp_path / "stderr").open("w+") as stderr:
        async with Client(stdio_client(command, errlog=stderr)) as client:
            page = await client.list_tools()
            assert [tool.name for tool in page.tools] == ["show_order"]
            assert page.cache_scope == "public"  # it is the same for everybody
            assert not (await client.call_tool("show_order", {"order": "A-1"})).is_error
            refused = await client.call_tool("add_note", {"order": "A-1"})
    assert json.loads(refused.content[0].text)["error"]["code"] == "not_allowed"  # type: ignore[union-attr]
    assert [request.method for request in upstream.received] == ["GET"]
    lines = [json.loads(line) for line in (tmp_path / "stderr").read_text().splitlines()]
    assert [(line["caller"], line["outcome"]) for line in lines] == [("", "ok"), ("", "not_allowed")]
