"""Credentials of several kinds in one catalog: each goes to the gateway or API that it belongs to, and no further."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.generated import build
from tests.runtime.leaks import leaks
from tests.runtime.upstream import Peer, Received, Upstream, response

pytestmark = pytest.mark.anyio

SECRETS = {
    "HEADER_KEY": "header-k3y-0123",
    "QUERY_KEY": "query-k3y-0123",
    "COOKIE_KEY": "cookie-k3y-0123",
    "TOKEN": "bearer-t0ken-0123",
    "OWN_TOKEN": "own-t0ken-0123",
    "USER_NAME": "robot-0123",
    "USER_PASSWORD": "p4ssword-0123",
    "CLIENT_ID": "client-0123",
    "CLIENT_SECRET": "s3cret-0123",
}
BASIC = b64encode(b"robot-0123:p4ssword-0123").decode()
ISSUED = "issued-t0ken-0123"
OAUTH = {
    "type": "oauth2ClientCredentials",
    "tokenUrl": "${TOKEN_URL}/token",
    "clientIdEnv": "CLIENT_ID",
    "clientSecretEnv": "CLIENT_SECRET",
}
GATEWAYS: dict[str, tuple[Any, str]] = {
    "header": ({"type": "apiKey", "in": "header", "name": "X-Key", "env": "HEADER_KEY"}, SECRETS["HEADER_KEY"]),
    "query": ({"type": "apiKey", "in": "query", "name": "k", "env": "QUERY_KEY"}, SECRETS["QUERY_KEY"]),
    "cookie": ({"type": "apiKey", "in": "cookie", "name": "sid", "env": "COOKIE_KEY"}, SECRETS["COOKIE_KEY"]),
    "bearer": ({"type": "bearer", "env": "TOKEN"}, SECRETS["TOKEN"]),
    "basic": ({"type": "basic", "usernameEnv": "USER_NAME", "passwordEnv": "USER_PASSWORD"}, BASIC),
    "oauth": (OAUTH, ISSUED),
    "open": ({"type": "none"}, ""),
}
EVERY = (*SECRETS.values(), BASIC, ISSUED)
"""Whatever must not stand in a request that it does not belong to."""


def catalog() -> dict[str, Any]:
    """One API that takes its gateway's credential, one that has its own, one that has none, for each gateway."""
    gateways = {name: {"baseUrl": "${API_URL}", "auth": auth} for name, (auth, _) in GATEWAYS.items()}
    own = {"its": {}, "own": {"auth": {"type": "bearer", "env": "OWN_TOKEN"}}, "none": {"auth": "none"}}
    apis = [
        {"name": f"{name}_{kind}", "httpMethod": "GET", "endpoint": f"/{name}/{kind}", "gateway": name, **auth}
        for name in GATEWAYS
        for kind, auth in own.items()
    ]
    return {"name": "credentials", "gateways": gateways, "apis": apis}


async def test_each_credential_goes_to_what_it_belongs_to_and_nowhere_else(tmp_path: Path, upstream: Upstream):
    async def answer(request: Received, peer: Peer) -> None:
        issued = b'{"access_token": "%s", "token_type": "Bearer"}' % ISSUED.encode()
        await peer.send(response(issued if request.path == "/token" else b"{}"))

    upstream.answer = answer
    environ = {"API_URL": upstream.url, "TOKEN_URL": upstream.url, **SECRETS}
    with build(catalog(), tmp_path).importable() as package:
        async with package.load("client").CredentialsClient.in_process(environ) as client:
            for name in GATEWAYS:
                for kind in ("its", "own", "none"):
                    await client.call(f"{name}_{kind}", {})

    expected = {f"/{name}/its": [secret] if secret else [] for name, (_, secret) in GATEWAYS.items()}
    expected |= {f"/{name}/own": [SECRETS["OWN_TOKEN"]] for name in GATEWAYS}
    expected |= {f"/{name}/none": [] for name in GATEWAYS}
    asked = b64encode(b"client-0123:s3cret-0123").decode()
    expected["/basic/its"] = [SECRETS["USER_NAME"], SECRETS["USER_PASSWORD"], BASIC]
    found = {one.path: leaks(f"{one.target} {one.headers} {one.body!r}", *EVERY, asked) for one in upstream.received}
    assert found == expected | {"/token": [SECRETS["CLIENT_ID"], SECRETS["CLIENT_SECRET"], asked]}
