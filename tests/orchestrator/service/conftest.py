from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import jwt
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from mcp_codegen.orchestrator.cli import main

ROOT = Path(__file__).parents[3]
FAVOURS = ROOT / "tests" / "orchestrator" / "processes" / "favours.py"
AUDIENCE = "api://orchestrator"
CLIENT, CLIENT_SECRET = "dashboard", "of-the-client"
ROLES = "Runs.Read=viewer,Runs.Operate=operator,Runs.Admin=admin"
PATIENCE = 60


def orchestrate(*words: str, cwd: Path) -> Result:
    """Type a command of mcp-orchestrator that uses the database of a folder."""
    result = CliRunner().invoke(main, [*words, "--database", str(cwd / "orchestrator.sqlite")])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@dataclass
class Issuer:
    """An issuer of tokens on loopback, whose keys can change."""

    url: str = ""
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    """What its ID tokens say of who signs in."""
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    """By code: what a browser was sent here with."""

    def rotate(self, kid: str) -> None:
        """Sign with another key from now on, and forget the ones before."""
        self.keys = {kid: ec.generate_private_key(ec.SECP256R1())}

    def token(self, **claims: Any) -> str:
        ((kid, key),) = self.keys.items()
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "someone", "exp": time.time() + 600}
        return jwt.encode(usual | claims, key, "ES256", headers={"kid": kid})

    def answer(self, path: str) -> Any:
        if path.endswith("openid-configuration"):
            places = {"authorization_endpoint": f"{self.url}/authorize?tenant=1", "token_endpoint": f"{self.url}/token"}
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **places}
        public = [json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid} for kid, key in self.keys.items()]
        return {"keys": [key | {"use": "sig"} for key in public]}

    def page(self, query: str) -> bytes:
        """The page where somebody signs in: a link back to who sent them."""
        asked = dict(parse_qsl(query))
        code = secrets.token_urlsafe(8)
        self.asked[code] = asked
        back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        return f'<html lang="en"><link rel="icon" href="data:,"><a href="{escape(back)}">I am Ana</a></html>'.encode()

    def redeem(self, form: str, authorization: str) -> Any:
        """Tokens for a code, once, to who asked for it and knows the client's secret; else None."""
        given = dict(parse_qsl(form))
        asked = self.asked.pop(given["code"], {})
        challenge = base64url_encode(hashlib.sha256(given["code_verifier"].encode()).digest()).decode()
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        own = (asked.get("code_challenge"), asked.get("redirect_uri"), pair)
        if own != (challenge, given["redirect_uri"], f"{CLIENT}:{CLIENT_SECRET}"):
            return None
        return {"id_token": self.token(**{"aud": CLIENT, "nonce": asked["nonce"]} | self.claims)}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    made.rotate("first")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path == "/authorize":
                return self.say(200, made.page(query), "text/html")
            self.say(200, json.dumps(made.answer(path)).encode())

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found = made.redeem(form, self.headers.get("Authorization", ""))
            self.say(200 if found else 400, json.dumps(found or {"error": "invalid_grant"}).encode())

        def say(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()


@dataclass
class Served:
    """A service that runs as a program of its own."""

    url: str
    folder: Path
    program: subprocess.Popen[str]
    keys: dict[str, str] = field(default_factory=dict)

    def client(self, who: str = "") -> httpx.Client:
        """A caller: the holder of the key of that name, or nobody."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"} if who else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def make_key(self, name: str, role: str, *words: str) -> str:
        made = orchestrate("keys", "create", name, "--role", role, "--json", *words, cwd=self.folder)
        self.keys[name] = json.loads(made.stdout)["key"]
        return self.keys[name]

    def kill(self) -> None:
        self.program.send_signal(signal.SIGKILL)
        self.program.wait(PATIENCE)


@contextmanager
def serving(folder: Path, *words: str, process: Path = FAVOURS, **environ: str) -> Iterator[Served]:
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", "serve", str(process), "--server", "in-process"]
    program = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--port", "0", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stderr is not None
    said: list[str] = []
    found = None
    for line in program.stderr:
        said.append(line)
        if found := re.search(r"http://[0-9.]+:\d+", line):
            break
    assert found, said
    threading.Thread(target=lambda: said.extend(program.stderr or ()), daemon=True).start()
    try:
        yield Served(found[0], folder, program)
    finally:
        if program.poll() is None:
            program.terminate()
        program.wait(PATIENCE)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Served]:
    """A service with a worker, an issuer, and a key for each role."""
    folder = tmp_path_factory.mktemp("service")
    oidc = ["--oidc-issuer", issuer.url, "--oidc-audience", AUDIENCE, "--oidc-roles", ROLES]
    oidc += ["--oidc-client-id", CLIENT]
    secret = {"ORCHESTRATOR_OIDC_CLIENT_SECRET": CLIENT_SECRET}
    with serving(folder, *oidc, "--rate", "10000", "--audit-log", "audit.jsonl", **secret) as served:
        for role in ("viewer", "operator", "admin"):
            served.make_key(role, role)
        yield served


def until(look: Callable[[], Any]) -> Any:
    """What is looked for, once it is there."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.1)  # until the condition holds
    return found


def ended(client: httpx.Client, run_id: str) -> dict[str, Any]:
    """A run, once it has ended."""

    def look() -> dict[str, Any] | None:
        run: dict[str, Any] = client.get(f"/runs/{run_id}").json()
        return run if run["ended_at"] else None

    run: dict[str, Any] = until(look)
    return run


def is_problem(answer: httpx.Response, status: int, code: str = "") -> bool:
    """Whether it is a problem document of that status, and of that code if one is given."""
    told: Mapping[str, Any] = answer.json()
    assert answer.status_code == status, (answer.request.method, answer.url, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == status
    assert {"type", "title", "detail", "code", "hint"} <= told.keys()
    return not code or told["code"] == code
