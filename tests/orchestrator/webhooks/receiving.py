"""A receiver of webhooks on loopback, which verifies signatures with the library that the standard's authors wrote."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook


@dataclass
class Receiver:
    """Says of each delivery which status it is answered with, by the event's id and how often that came before."""

    secret: str
    url: str = ""
    wrap: Callable[[ssl.SSLContext], None] = lambda tls: None
    """Has it speak TLS."""
    answer: Callable[[str, int], int] = lambda event, times: 204
    hold: threading.Event = field(default_factory=threading.Event)
    """Answers are given when it is set."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    tries: Counter[str] = field(default_factory=Counter)
    accepted: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> int:
        told = Webhook(self.secret).verify(body, headers)
        assert told["id"] == headers["webhook-id"]
        with self.lock:
            self.paths.append(path)
            status = self.answer(told["id"], self.tries[told["id"]])
            self.tries[told["id"]] += 1
        self.hold.wait(60)
        if status < 300:
            with self.lock:
                self.accepted.append(told)
        return status

    def kinds(self) -> Counter[str]:
        with self.lock:
            return Counter(told["type"] for told in self.accepted)

    def ids(self) -> list[str]:
        with self.lock:
            return [told["id"] for told in self.accepted]


@contextmanager
def receiving(secret: str, **words: Any) -> Iterator[Receiver]:
    receiver = Receiver(secret, **words)
    receiver.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status = receiver.receive(self.path, headers, body)
            except Exception:  # a signature that does not hold
                status = 400
            said = b"no: call 56911112222 or mail a@b.example, token=abcdefabcdefabcdefabcdef123456"
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0" if status == 204 else str(len(said)))
            self.end_headers()
            if status != 204:
                self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"

    def wrap(tls: ssl.SSLContext) -> None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)

    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # who hangs up
    receiver.wrap = wrap
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.hold.set()
        server.shutdown()
        server.server_close()
