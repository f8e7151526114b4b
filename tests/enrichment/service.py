"""A service that speaks as OpenAI's does, really over HTTP on loopback, with faults to order."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = Any
Write = Callable[["Asked"], Json]


@dataclass(frozen=True)
class Asked:
    """One request."""

    number: int
    path: str
    headers: dict[str, str]
    body: Json

    @property
    def places(self) -> dict[str, str]:
        """The place of each key that is wanted."""
        schema = self.body["response_format"]["json_schema"]["schema"]
        return {key: one["description"] for key, one in schema["properties"].items()}


@dataclass
class Service:
    """What it was asked, and what it does with it."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    faults: dict[int, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    """By the number of the request, from 1."""
    write: Write = field(default_factory=lambda: texts)
    """From a request to the content of the answer: a text, or what is written as JSON."""
    finish: Callable[[Asked], str] = lambda asked: "stop"
    usage: Json = None
    hold_from: int = 0
    """From this request on, none is answered until `released`."""
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def places(self) -> list[str]:
        """Every place that was asked for, as often as it was."""
        return [place for asked in self.asked for place in asked.places.values()]

    def environ(self) -> dict[str, str]:
        return {"OPENAI_API_KEY": "sk-a-secret-that-is-nowhere", "OPENAI_BASE_URL": f"{self.url}/v1", "NO_PROXY": "*"}


def texts(asked: Asked) -> dict[str, str]:
    return {
        key: f"Written text {len(place)} about {place.split('/')[-2] or 'all'}" for key, place in asked.places.items()
    }


def refuse(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = json.dumps({"error": {"message": "not now", "type": "x"}}).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def truncate(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "10000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.close_connection = True


def never_end(handler: BaseHTTPRequestHandler) -> None:
    """Send an answer until nobody reads it any more."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Connection", "close")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b" " * 1_000_000)


def compress(handler: BaseHTTPRequestHandler) -> None:
    """Send little that becomes much."""
    content = gzip.compress(b" " * 50_000_000)
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def no_json(handler: BaseHTTPRequestHandler) -> None:
    content = b"<html>gateway</html>"
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def serving() -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with service.lock:
                asked = Asked(len(service.asked) + 1, self.path, dict(self.headers), body)
                service.asked.append(asked)
            if service.hold_from and asked.number >= service.hold_from:
                service.released.wait(120)
            if fault := service.faults.get(asked.number):
                fault(self)
                return
            said = service.write(asked)
            content = said if isinstance(said, str) else json.dumps(said)
            message = {"role": "assistant", "content": content}
            usage = service.usage or {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
            answer = {
                "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4.1-mini-2025", "usage": usage,
                "choices": [{"index": 0, "message": message, "finish_reason": service.finish(asked)}],
            }  # fmt: skip
            whole = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            """Those who were asking may be gone."""

    server = Server(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        service.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
