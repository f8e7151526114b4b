"""People sign in to pages at their issuer: authorization code, PKCE, state and nonce, over real HTTP."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from mcp_codegen.orchestrator.durable import database
from mcp_codegen.orchestrator.service.dashboard import sessions
from tests.orchestrator.service.conftest import CLIENT, CLIENT_SECRET, PATIENCE, Issuer, Served, until

HTML = {"Accept": "text/html"}


def browser(service: Served) -> httpx.Client:
    return httpx.Client(base_url=service.url, headers=HTML, timeout=PATIENCE)


def sent(client: httpx.Client, next: str = "/ui/runs") -> str:
    """Where the service sends a browser that wants to sign in."""
    answer = client.get("/ui/sign-in/issuer", params={"next": next})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def way_back(client: httpx.Client) -> str:
    """Where the issuer sends the browser back to, once somebody has said there who they are."""
    found = re.search(r'href="(http[^"]+)"', httpx.get(sent(client)).text)
    assert found
    return html.unescape(found[1])


@pytest.fixture
def ana(issuer: Issuer) -> Issuer:
    """The issuer, where somebody signs in who operates."""
    issuer.claims = {"preferred_username": "ana@example.com", "roles": ["Runs.Operate"]}
    return issuer


@pytest.mark.usefixtures("ana")
def test_who_signs_in_at_the_issuer_has_the_role_that_it_says_and_stands_in_the_audit_log(service: Served) -> None:
    with browser(service) as client:
        assert "/ui/sign-in/issuer?next=/ui/runs" in client.get("/ui/sign-in?next=/ui/runs").text
        answer = client.get(way_back(client))
        assert (answer.status_code, answer.headers["location"]) == (303, "/ui/runs"), answer.text
        page = client.get("/ui/runs").text
        assert "ana@example.com" in page
        assert client.get("/ui/start").status_code == 200
        assert client.get("/audit").status_code == 403
        session = client.cookies["orchestrator-session"]
    with service.client("admin") as admin:
        entries = admin.get("/audit").json()["entries"]
    assert ("GET /ui/sign-in/back", "user:ana@example.com", "operator") in [
        (each["action"], each["caller"], each["role"]) for each in entries
    ]
    kept = database.connect(str(service.folder / "orchestrator.sqlite"))
    assert sessions.holder(kept, session, "https://another.example") is None, "another issuer vouches for nobody"
    kept.dispose()


def test_the_issuer_is_asked_for_a_code_that_only_this_browser_can_use(service: Served, issuer: Issuer) -> None:
    with browser(service) as client:
        first, second = (dict(parse_qsl(urlsplit(sent(client)).query)) for _ in range(2))
    assert first["client_id"] == CLIENT
    assert first["redirect_uri"] == f"{service.url}/ui/sign-in/back"
    assert (first["response_type"], first["code_challenge_method"], first["tenant"]) == ("code", "S256", "1")
    for guard in ("state", "nonce", "code_challenge"):
        assert first[guard] != second[guard]


@pytest.mark.usefixtures("ana")
def test_a_way_back_opens_nothing_in_another_browser_and_nothing_twice(service: Served) -> None:
    with browser(service) as client, browser(service) as other, browser(service) as new:
        link = way_back(client)
        sent(other)
        for stranger in (other, new):
            answer = stranger.get(link)
            assert answer.status_code == 400
            assert "orchestrator-session" not in answer.headers.get("set-cookie", "")
        attempt = client.cookies["orchestrator-attempt"]
        changed = link.replace("runs", "batches")
        assert client.get(changed).status_code == 400
        assert client.get(link).status_code == 303
        client.cookies.clear()
        client.cookies.set("orchestrator-attempt", attempt)
        assert client.get(link).status_code == 503
        assert client.get("/ui").status_code == 303


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"nonce": "of another sign-in"}, 401),
        ({"nonce": None}, 401),
        ({"aud": "another client"}, 401),
        ({"aud": [CLIENT, "another"], "azp": "another"}, 401),
        ({"iss": "https://another.example"}, 401),
        ({"exp": 1}, 401),
        ({"roles": ["Nothing.Known"]}, 403),
        ({}, 303),
    ],
)
def test_an_id_token_that_is_not_of_this_sign_in_or_gives_no_role_lets_nobody_in(
    service: Served, issuer: Issuer, claims: dict[str, Any], status: int
) -> None:
    issuer.claims = {"roles": ["Runs.Read"]} | claims
    with browser(service) as client:
        answer = client.get(way_back(client))
        assert answer.status_code == status, answer.text
        assert ("orchestrator-session" in client.cookies) == (status == 303)
        assert ('role="alert"' in answer.text) == (status != 303)


def test_who_refuses_at_the_issuer_is_not_let_in_and_nobody_is_led_to_another_site(service: Served) -> None:
    with browser(service) as client:
        state = dict(parse_qsl(urlsplit(sent(client, "https://evil.example")).query))["state"]
        assert "evil" not in state
        refused = client.get("/ui/sign-in/back", params={"error": "access_denied", "state": state})
        assert refused.status_code == 401
        assert 'role="alert"' in refused.text


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not show what a program was started with")
def test_workers_are_not_given_the_secret_of_the_client(service: Served) -> None:
    children = Path(f"/proc/{service.program.pid}/task/{service.program.pid}/children")
    workers = until(lambda: children.read_text().split())
    for worker in workers:
        given = until(lambda worker=worker: Path(f"/proc/{worker}/environ").read_bytes())
        assert b"ORCHESTRATOR_DATABASE=" in given
        assert CLIENT_SECRET.encode() not in given
