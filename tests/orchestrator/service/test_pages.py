"""Sessions, forms and texts of the dashboard, without a browser."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from mcp_codegen.orchestrator.durable import database, tables
from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.service.dashboard import cookies, sessions, texts
from tests.orchestrator.service.conftest import PATIENCE, Served, orchestrate, serving

TEMPLATES = Path(texts.__file__).parents[1] / "templates"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service without workers, with a key for each role."""
    with serving(tmp_path_factory.mktemp("pages"), "--no-work") as served:
        for role in ("viewer", "operator", "admin"):
            served.make_key(role, role)
        yield served


def form_token(page: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


@contextmanager
def signed_in(served: Served, who: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, headers=HTML, timeout=PATIENCE) as client:
        token = form_token(client.get("/ui/sign-in"))
        answer = client.post("/ui/sign-in", data={"form_token": token, "key": served.keys[who], "next": "/ui/runs"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/ui/runs"), answer.text
        yield client


def test_a_session_is_a_random_id_that_scripts_cannot_read_and_the_database_does_not_hold(pages: Served) -> None:
    with signed_in(pages, "viewer") as client:
        session = client.cookies["orchestrator-session"]
        assert len(session) >= 43
        kept = b"".join(path.read_bytes() for path in pages.folder.iterdir() if path.is_file())
        assert session.encode() not in kept
        assert sessions._digest(session).encode() in kept
        assert client.get("/ui").status_code == 200
    with httpx.Client(base_url=pages.url, headers=HTML, timeout=PATIENCE) as client:
        first = client.get("/ui/sign-in")
        assert "httponly" in first.headers["set-cookie"].lower()
        assert "samesite=lax" in first.headers["set-cookie"].lower()
        assert "secure" not in first.headers["set-cookie"].lower()  # on loopback browsers would not keep it


def test_off_loopback_cookies_are_secure_and_belong_to_one_host() -> None:
    scope = {"type": "http", "scheme": "https", "path": "/", "query_string": b"", "server": ("runs.example", 443)}
    connection = HTTPConnection(scope | {"headers": [(b"host", b"runs.example")]})
    response = Response()
    cookies.keep(connection, response, "session", "x", 60)
    assert response.headers["set-cookie"].startswith("__Host-orchestrator-session=x")
    assert "Secure" in response.headers["set-cookie"]


def test_a_session_ends_when_one_signs_out_when_it_expires_and_when_its_key_is_revoked(
    pages: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with signed_in(pages, "viewer") as client:
        session = client.cookies["orchestrator-session"]
        assert client.post("/ui/sign-out", data={"form_token": form_token(client.get("/ui"))}).status_code == 303
        client.cookies.set("orchestrator-session", session)
        assert client.get("/ui").headers["location"].startswith("/ui/sign-in")
    kept = database.connect(str(pages.folder / "orchestrator.sqlite"))
    with signed_in(pages, "viewer") as client:
        session = client.cookies["orchestrator-session"]
        assert sessions.holder(kept, session, "") is not None
        later = milliseconds() + sessions.HOURS * 3_600_000
        with monkeypatch.context() as clock:
            clock.setattr(sessions, "milliseconds", lambda: later)
            assert sessions.holder(kept, session, "") is None
    pages.make_key("leaving", "operator")
    with signed_in(pages, "leaving") as client:
        assert client.get("/ui").status_code == 200
        orchestrate("keys", "revoke", "leaving", cwd=pages.folder)
        assert client.get("/ui").status_code == 303
    kept.dispose()


def test_a_form_that_is_not_this_browsers_changes_nothing(pages: Served) -> None:
    with signed_in(pages, "operator") as client, signed_in(pages, "operator") as other:
        foreign = form_token(other.get("/ui"))
        for token in ("", "x", foreign):
            answer = client.post("/ui/runs/nothing/retry", data={"form_token": token})
            assert answer.status_code == 400
            assert "foreign_form" in answer.text
        own = form_token(client.get("/ui"))
        assert client.post("/ui/runs/nothing/retry", data={"form_token": own}).status_code == 404
        from_elsewhere = client.post(
            "/ui/runs/nothing/retry", data={"form_token": own}, headers={"Origin": "https://evil.example"}
        )
        assert from_elsewhere.status_code == 403


def test_a_session_opens_the_api_for_looking_and_never_for_changing(pages: Served) -> None:
    with signed_in(pages, "admin") as client:
        assert client.get("/runs").status_code == 200
        order = {"process": "favours", "input": {"number": 1, "phone": "56911112222"}}
        assert client.put("/runs/by-cookie", json=order).status_code == 401
        assert client.post("/batches/november/cancel").status_code == 401


def test_a_wrong_key_is_told_and_nobody_is_led_to_another_site(pages: Served) -> None:
    with httpx.Client(base_url=pages.url, headers=HTML, timeout=PATIENCE) as client:
        page = client.get("/ui/sign-in", params={"next": "https://evil.example"})
        assert "evil" not in page.text.partition("<main")[2]
        told = {"form_token": form_token(page), "key": "mco_wrong", "next": "//evil.example"}
        answer = client.post("/ui/sign-in", data=told)
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
        answer = client.post("/ui/sign-in", data=told | {"key": pages.keys["viewer"]})
        assert answer.headers["location"] == "/ui"
    with pages.client("admin") as client:
        written = [(each["action"], each["caller"], each["status"]) for each in client.get("/audit").json()["entries"]]
    assert ("POST /ui/sign-in", "key:viewer", 303) in written
    assert ("POST /ui/sign-in", "", 401) in written


def test_pages_hold_no_script_and_no_style_and_say_so(pages: Served) -> None:
    with signed_in(pages, "operator") as client:
        for path in ("/ui", "/ui/batches", "/ui/start", "/ui/runs", "/ui/processes", "/ui/processes/favours"):
            page = client.get(path)
            assert page.status_code == 200, path
            policy = page.headers["content-security-policy"]
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert page.headers["x-frame-options"] == "DENY"
            assert not re.search(r"<style|<script(?! src=)|\sstyle=|\son[a-z]+=", page.text), path
            assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text), path
        assert client.get("/ui/processes/nothing").status_code == 404
        assert client.get("/ui/runs?status=x").status_code == 422


def test_alerts_are_listed_where_rules_raise_them(pages: Served) -> None:
    kept = database.connect(str(pages.folder / "orchestrator.sqlite"))
    common = {"subject": "favours", "since_ms": 1, "untold": ""}
    rows = [
        common | {"rule": "over", "state": "resolved", "severity": "info", "text": "it was slow"},
        common | {"rule": "many", "state": "firing", "severity": "critical", "text": "<script>9 of 10 fail"},
    ]
    with signed_in(pages, "viewer") as client:
        assert client.get("/ui/attention").status_code == 200
        with kept.begin() as connection:
            connection.execute(tables.alerts.insert(), rows)
        page = client.get("/ui/attention").text
        assert page.index("&lt;script&gt;9 of 10 fail") < page.index("it was slow")
    kept.dispose()


def test_a_viewer_sees_no_button_that_is_not_theirs(pages: Served) -> None:
    with signed_in(pages, "viewer") as client:
        assert "/ui/start" not in client.get("/ui").text
        refused = client.get("/ui/start")
        assert refused.status_code == 403
        assert "<h1>" in refused.text


def test_all_languages_say_the_same_things() -> None:
    english, spanish = texts.LANGUAGES["en"], texts.LANGUAGES["es"]
    assert english.keys() == spanish.keys()
    for key, words in english.items():
        named = {name for _, name, _, _ in string.Formatter().parse(words) if name}
        assert named == {name for _, name, _, _ in string.Formatter().parse(spanish[key]) if name}, key
    used = {
        key
        for path in TEMPLATES.glob("*.jinja")
        for key in re.findall(r"""\bt\(["']([a-z0-9_.]+)["'][,)]""", path.read_text("utf-8"))
    }
    assert used <= english.keys()


@pytest.mark.parametrize(
    ("header", "liked"),
    [("es-CL,es;q=0.9,en;q=0.8", "es"), ("en;q=0.2, es;q=0.7", "es"), ("x;q=a,,en", "en"), ("", None)],
)
def test_the_language_that_is_liked_best_comes_first(header: str, liked: str | None) -> None:
    assert next(iter(texts.accepted(header)), None) == liked
