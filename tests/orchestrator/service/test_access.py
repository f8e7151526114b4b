"""Who may do what: keys, tokens, roles, and what is written down of it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from mcp_codegen.orchestrator.service.roles import ROUTES, Role
from tests.orchestrator.service.conftest import (
    AUDIENCE,
    FAVOURS,
    PATIENCE,
    Issuer,
    Served,
    is_problem,
    orchestrate,
    serving,
    until,
)

PATHS = dict.fromkeys(("run_id", "batch", "name", "webhook", "delivery"), "nothing") | {"action": "cancel"}
NAMES = {"viewer": "Runs.Read", "operator": "Runs.Operate", "admin": "Runs.Admin"}
MAY = {"viewer": Role.VIEWER, "operator": Role.OPERATOR, "admin": Role.ADMIN}


def _credentials(service: Served, issuer: Issuer) -> dict[str, str]:
    hour = 3600
    if "gone" not in service.keys:
        service.make_key("gone", "admin")
        orchestrate("keys", "revoke", "gone", cwd=service.folder)
        service.make_key("old", "admin", "--days", "0.00000001")
    return {
        **{f"key of {role}": service.keys[role] for role in MAY},
        **{f"token of {role}": issuer.token(roles=[name]) for role, name in NAMES.items()},
        "no key": "",
        "revoked key": service.keys["gone"],
        "expired key": service.keys["old"],
        "key with another secret": service.keys["admin"][:-6] + "AAAAAA",
        "expired token": issuer.token(roles=["admin"], exp=time.time() - hour),
        "token of another audience": issuer.token(roles=["admin"], aud="api://other"),
        "token of another issuer": issuer.token(roles=["admin"], iss="https://other.example"),
        "token without a role": issuer.token(roles=["Other.Role"]),
        "no token": "xyz",
    }


CALLERS = [
    *(f"{kind} of {role}" for kind in ("key", "token") for role in MAY),
    *("no key", "revoked key", "expired key", "key with another secret"),
    *("expired token", "token of another audience", "token of another issuer", "token without a role", "no token"),
]


@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_takes_whom_the_table_names_and_nobody_else(service: Served, issuer: Issuer, caller: str) -> None:
    shown = _credentials(service, issuer)[caller]
    role = MAY.get(caller.rpartition(" of ")[2])
    headers = {"Authorization": f"Bearer {shown}"} if shown else {}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        for (method, route), needed in ROUTES.items():
            with client.stream(method, route.format(**PATHS)) as answer:
                place = f"{caller}: {method} {route} {answer.status_code}"
                if needed is None or (role is not None and role.includes(needed)):
                    assert answer.status_code not in (401, 403), place
                    continue
                answer.read()
                told = role is not None or caller == "token without a role"
                assert is_problem(answer, 403 if told else 401), place
                assert told or answer.headers["www-authenticate"].startswith("Bearer "), place


def test_a_key_is_shown_once_and_kept_as_a_salted_hash_only(service: Served) -> None:
    key = service.make_key("once", "viewer")
    kept = b"".join(path.read_bytes() for path in service.folder.iterdir() if path.is_file())
    assert key.startswith("mco_")
    assert key.encode() not in kept
    assert key.split("_", 2)[2].encode() not in kept
    listed = json.loads(orchestrate("keys", "list", "--json", cwd=service.folder).stdout)
    assert "once" in {each["name"] for each in listed}
    assert key not in json.dumps(listed)


def test_a_revoked_key_opens_nothing_from_the_next_request_on(service: Served) -> None:
    service.make_key("brief", "viewer")
    with service.client("brief") as client:
        assert client.get("/runs").status_code == 200
        assert orchestrate("keys", "revoke", "brief", cwd=service.folder).exit_code == 0
        assert is_problem(client.get("/runs"), 401)
    assert orchestrate("keys", "revoke", "nobody", cwd=service.folder).exit_code == 2


def test_a_stream_is_cut_off_when_its_key_is_revoked(service: Served) -> None:
    service.make_key("listener", "viewer")

    def listen() -> None:
        with service.client("listener") as client, client.stream("GET", "/events") as answer:
            for _ in answer.iter_lines():
                pass

    with ThreadPoolExecutor(1) as threads, service.client("operator") as client:
        listening = threads.submit(listen)
        assert orchestrate("keys", "revoke", "listener", cwd=service.folder).exit_code == 0
        numbers = iter(range(1000))

        def over() -> bool:
            order = {"process": "favours", "input": {"number": 1, "phone": "56911112222"}}
            client.put(f"/runs/heard-{next(numbers)}", json=order)
            return listening.done()

        until(over)
        assert isinstance(listening.exception(), httpx.RemoteProtocolError | httpx.HTTPStatusError | None)
    with service.client("listener") as client:
        assert is_problem(client.get("/events"), 401)


def test_one_caller_cannot_take_all_streams(service: Served) -> None:
    service.make_key("greedy", "viewer")
    with ExitStack() as opened, service.client("viewer") as other:
        client = opened.enter_context(service.client("greedy"))
        taken = [opened.enter_context(client.stream("GET", "/events")).status_code for _ in range(34)]
        assert taken == [200] * 32 + [429] * 2
        assert other.get("/runs").status_code == 200
    with service.client("greedy") as client:
        assert until(lambda: client.get("/runs").status_code == 200)


def test_who_has_no_key_can_upload_no_file(service: Served) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    with service.client() as client:
        for path, status in (("/ui/sign-in", 413), ("/ui/sign-out", 413), ("/batches", 401), ("/ui/batches", 401)):
            assert is_problem(client.post(path, content=part + b"x" * 3_000_000, headers=headers), status)


def test_roles_are_read_from_the_claims_that_entra_and_others_use(service: Served, issuer: Issuer) -> None:
    with service.client() as client:
        for claims in ({"roles": ["Runs.Admin"]}, {"scp": "openid Runs.Admin"}, {"scope": "admin"}):
            headers = {"Authorization": f"Bearer {issuer.token(**claims)}"}
            assert client.get("/audit", headers=headers).status_code == 200, claims
        for claims in ({"roles": "Runs.Administrator"}, {"roles": {"Runs.Admin": 1}}, {"groups": ["admin"]}):
            headers = {"Authorization": f"Bearer {issuer.token(**claims)}"}
            assert client.get("/audit", headers=headers).status_code == 403, claims


def test_keys_that_an_issuer_signs_with_may_change_while_the_service_runs(service: Served, issuer: Issuer) -> None:
    with service.client() as client:
        before = issuer.token(roles=["viewer"])
        assert client.get("/runs", headers={"Authorization": f"Bearer {before}"}).status_code == 200
        issuer.rotate("second")
        after = {"Authorization": f"Bearer {issuer.token(roles=['viewer'])}"}
        assert client.get("/runs", headers=after).status_code == 200
        assert is_problem(client.get("/runs", headers={"Authorization": f"Bearer {before}"}), 401)


def test_a_token_that_is_signed_with_what_everybody_knows_is_refused(service: Served, issuer: Issuer) -> None:
    ((kid, key),) = issuer.keys.items()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"iss": issuer.url, "aud": AUDIENCE, "exp": int(time.time()) + 600, "roles": ["admin"]}
    parts = [{"alg": "HS256", "typ": "JWT", "kid": kid}, claims]
    signed = ".".join(base64url_encode(json.dumps(part).encode()).decode() for part in parts)
    mark = base64url_encode(hmac.digest(public, signed.encode(), "sha256")).decode()
    forged = [f"{signed}.{mark}", jwt.encode(claims, None, "none")]
    with service.client() as client:
        for token in forged:
            assert is_problem(client.get("/runs", headers={"Authorization": f"Bearer {token}"}), 401)


def test_the_audit_log_tells_who_did_what_and_who_was_refused_and_no_secret(service: Served) -> None:
    order = {"process": "favours", "input": {"number": 1, "phone": "56911112222"}}
    with service.client("operator") as client:
        assert client.put("/runs/audited", json=order, headers={"X-Request-Id": "r-1"}).status_code == 201
        rows = {"process": "favours", "batch": "audited-rows", "rows": [order["input"]]}
        assert client.post("/batches", json=rows, headers={"X-Request-Id": "r-2"}).status_code == 202
    refused = ("key:operator", "GET /audit", 403)
    entries: list[dict[str, Any]] = []
    with service.client("operator") as client, service.client("admin") as admin:
        deadline = time.monotonic() + PATIENCE
        while refused not in {(each["caller"], each["action"], each["status"]) for each in entries}:
            assert time.monotonic() < deadline  # of many refusals in a second, as of other tests, some are only counted
            assert is_problem(client.get("/audit"), 403)
            entries = admin.get("/audit").json()["entries"]
    told = {(each["caller"], each["action"], each["target"], each["status"], each["request_id"]) for each in entries}
    assert ("key:operator", "PUT /runs/{run_id}", "audited", 201, "r-1") in told
    assert ("key:operator", "POST /batches", "audited-rows", 202, "r-2") in told
    lines = (service.folder / "audit.jsonl").read_text("utf-8")
    assert '"target": "audited"' in lines
    for text in (lines, json.dumps(entries)):
        assert "56911112222" not in text
        assert not any(key in text for key in service.keys.values())


def test_pages_of_other_sites_and_other_names_are_refused(service: Served) -> None:
    with service.client("admin") as client:
        foreign = {"Origin": "https://evil.example"}
        assert is_problem(client.post("/runs/x/cancel", headers=foreign), 403, "foreign_origin")
        assert is_problem(client.get("/runs", headers={"Host": "evil.example"}), 421, "misdirected")
        own = {"Origin": service.url}
        assert is_problem(client.post("/runs/x/cancel", headers=own), 404, "unknown_run")


@pytest.mark.parametrize("host", ["[::1", "localhost/ui/?", "someone@localhost", "localhost:x"])
def test_a_host_that_is_none_is_refused(service: Served, host: str) -> None:
    with service.client("admin") as client:
        for path in ("/runs", "/ui/sign-in"):
            assert is_problem(client.get(path, headers={"Host": host}), 400)
        assert is_problem(client.post("/runs/x/cancel", headers={"Origin": f"http://{host}"}), 403, "foreign_origin")


def test_a_length_that_a_proxy_could_read_otherwise_is_refused(service: Served) -> None:
    headers = {"Transfer-Encoding": "chunked", "Content-Length": "3"}
    with service.client("operator") as client:
        refused = client.put("/runs/x", headers=headers, content=iter([b"{}"]))
    assert is_problem(refused, 400)
    assert refused.headers["connection"] == "close"


def test_a_cursor_that_no_database_can_be_asked_for_is_refused(service: Served) -> None:
    with service.client("admin") as client:
        for place in ('[1,"\\ud800"]', '[1,"\\u0000"]', '[-1,"a"]', f'[{2**63},"a"]', "[" * 200):
            cursor = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
            for path in ("/runs", "/batches", "/ui/runs"):
                assert is_problem(client.get(path, params={"cursor": cursor}), 404, "unknown_cursor"), place


def test_a_name_that_a_database_cannot_hold_hides_nothing_from_the_audit_log(service: Served, issuer: Issuer) -> None:
    token = issuer.token(roles=["admin"], preferred_username="eve\0\ud800\n")
    with service.client() as client, service.client("admin") as admin:
        assert is_problem(client.put("/runs/x", headers={"Authorization": f"Bearer {token}"}), 422)
        callers = {entry["caller"] for entry in admin.get("/audit").json()["entries"]}
    assert r"user:eve\x00\ud800\n" in callers


def test_off_loopback_it_does_not_start_without_a_key_or_an_issuer(tmp_path: Path) -> None:
    everywhere = "0.0.0.0"  # noqa: S104 - it is refused
    for words in (["--host", everywhere], ["--proxy", "127.0.0.1"]):
        ended = orchestrate("serve", str(FAVOURS), *words, "--port", "0", cwd=tmp_path)
        assert ended.exit_code == 2
        assert "keys create" in ended.stderr


@pytest.mark.parametrize("words", [["--proxy", "*"], ["--oidc-audience", "x", "--oidc-issuer", "https://[::1"]])
def test_what_nobody_can_be_told_apart_by_is_refused(tmp_path: Path, words: list[str]) -> None:
    ended = orchestrate("serve", str(FAVOURS), *words, "--port", "0", cwd=tmp_path)
    assert ended.exit_code == 2
    assert words[-1] in ended.stderr


def test_on_loopback_everybody_may_do_everything_until_the_first_key_is_made(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-work", "--rate", "2") as served, served.client() as client:
        assert client.get("/audit").status_code == 200
        assert is_problem(client.get("/audit", headers={"X-Forwarded-For": "192.0.2.1"}), 401)
        assert client.get("/openapi.json").json()["paths"]["/runs"]["get"]["security"][-1] == {}
        assert is_problem(client.get("/readyz"), 503, "not_ready")
        many = [client.get("/runs") for _ in range(20)]
        refused = next(answer for answer in many if answer.status_code == 429)
        assert is_problem(refused, 429)
        assert int(refused.headers["retry-after"]) >= 1
        served.make_key("first", "viewer")
        asked = until(lambda: (answer := client.get("/processes")).status_code != 429 and answer)
        assert is_problem(asked, 401)
