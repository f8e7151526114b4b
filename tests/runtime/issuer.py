"""An authorization server on loopback: its metadata, its keys, and the tokens that it signs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import PyJWS
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
CURVES = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}


def public(kid: str, key: PrivateKey) -> dict[str, Any]:
    """The key's public half, as a JSON Web Key."""
    kind = next((one for base, one in CURVES.items() if isinstance(key, base)), OKPAlgorithm)
    return {"kid": kid, "use": "sig"} | kind.to_jwk(key.public_key(), as_dict=True)


@dataclass
class Issuer:
    """What it answers can be changed while it runs. path: of its name; at one with a path, only RFC 8414 is spoken."""

    path: str = ""
    keys: dict[str, PrivateKey] = field(default_factory=lambda: {"rsa": RSA_KEY, "ec": EC_KEY, "ed": ED_KEY})
    asked: list[str] = field(default_factory=list)
    base: str = ""

    @property
    def url(self) -> str:
        return self.base + self.path

    def token(
        self, kid: str = "rsa", algorithm: str = "RS256", headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token; claims that are None are left out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": "api://shop", "sub": "maria", "iat": now, "exp": now + 600}
        payload = {name: value for name, value in (usual | claims).items() if value is not None}
        # Not `jwt.encode`, which has an opinion on claims.
        return PyJWS().encode(json.dumps(payload).encode(), self.keys[kid], algorithm, {"kid": kid} | (headers or {}))

    def answer(self, path: str) -> object:
        """What stands at a path, if anything does."""
        metadata = {"issuer": self.url, "jwks_uri": f"{self.base}/keys"}
        well_known = "/.well-known/openid-configuration"
        if self.path:
            well_known = f"/.well-known/oauth-authorization-server{self.path.rstrip('/')}"
        keys = {"keys": [public(kid, key) for kid, key in self.keys.items()]}
        return {well_known: metadata, "/keys": keys}.get(path)


@contextmanager
def running(path: str = "") -> Iterator[Issuer]:
    """An issuer, listening."""
    issuer = Issuer(path)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            found = issuer.answer(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
