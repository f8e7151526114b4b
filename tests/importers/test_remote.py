"""References to other servers: followed only where that is asked for, and only as far as is safe."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen.errors import CatalogError
from mcp_codegen.importers import remote
from mcp_codegen.importers.references import RefusedError
from tests.importers.importing import imported, run, written

Answer = Callable[[BaseHTTPRequestHandler], None]


class Library:
    """A server on loopback: what it answers by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        library = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                library.asked.append((self.path, dict(self.headers)))
                library.answers.get(self.path, lambda one: one.send_error(404))(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def library() -> Iterator[Library]:
    one = Library()
    yield one
    one.close()


def holding(content: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(one: BaseHTTPRequestHandler) -> None:
        one.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            one.send_header(name, value)
        one.end_headers()
        one.wfile.write(content)

    return answer


def described(reference: str, **parameter: str) -> dict[str, Any]:
    good = {"description": "Good", "content": {"application/json": {"schema": {"$ref": reference}}}}
    one = {"operationId": "one", "responses": {"200": good}, **({"parameters": [parameter]} if parameter else {})}
    other = {"operationId": "other", "responses": {"204": {"description": "Done"}}}
    return {"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": one, "put": other}}}


def test_remote_documents_and_what_they_refer_to_come_in_where_that_is_allowed(tmp_path: Path, library: Library):
    library.answers = {
        "/types/a.yaml": holding(b"A: {type: object, properties: {b: {$ref: 'b.json#/B'}}}"),
        "/types/b.json": holding(json.dumps({"B": {"type": "integer"}}).encode()),
    }
    spec = written(tmp_path / "spec.json", described(f"{library.url}/types/a.yaml#/A"))
    catalog = imported(spec, tmp_path / "out.json", "--allow-remote")
    assert catalog["schemas"]["A"]["properties"] == {"b": {"$ref": "#/schemas/B"}}
    assert catalog["schemas"]["B"] == {"type": "integer"}
    assert [path for path, _ in library.asked] == ["/types/a.yaml", "/types/b.json"]
    assert all("authorization" not in map(str.lower, headers) for _, headers in library.asked)


def test_nothing_is_asked_where_that_is_not_allowed(tmp_path: Path, library: Library):
    result = run(written(tmp_path / "spec.json", described(f"{library.url}/a.json#/A")), "--out", tmp_path / "out.json")
    assert (result.exit_code, library.asked) == (0, [])
    assert "--allow-remote" in result.stderr


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (holding(b"", 404), "answers 404"),
        (holding(b"", 500), "answers 500"),
        (holding(b"", 302, Location="/a.json"), "moves on and on"),
        (holding(b"nothing: [of: use"), "not valid JSON"),
    ],
)
def test_a_document_that_cannot_be_had_costs_only_what_needs_it(tmp_path: Path, library: Library, answer, said):
    library.answers = {"/a.json": answer}
    spec = described(f"{library.url}/a.json#/A")
    spec["paths"]["/b"] = {"get": {"parameters": [{"$ref": f"{library.url}/a.json#/P"}], "responses": {}}}
    report = tmp_path / "report.json"
    catalog = imported(
        written(tmp_path / "spec.json", spec), tmp_path / "out.json", "--allow-remote", "--report", report
    )
    assert [one["name"] for one in catalog["apis"]] == ["one", "other"]
    assert said in report.read_text()
    assert [one["reason"][:24] for one in json.loads(report.read_text())["entries"] if "reason" in one] == [
        "a parameter is missing: "
    ]


def test_a_redirect_is_followed_on_its_own_server_only(library: Library):
    library.answers = {
        "/a": holding(b"", 301, Location="/b"),
        "/b": holding(b"{}"),
        "/c": holding(b"", 301, Location="http://localhost:1/b"),
        "/d": holding(b"", 301, Location="file:///etc/hostname"),
    }
    assert remote.fetch(f"{library.url}/a") == b"{}"
    for path in ("/c", "/d"):
        with pytest.raises(RefusedError):
            remote.fetch(library.url + path)


def test_size_and_time_are_bounded(library: Library, monkeypatch: pytest.MonkeyPatch):
    def slowly(one: BaseHTTPRequestHandler) -> None:
        one.send_response(200)
        one.end_headers()
        deadline = time.monotonic() + 10
        try:
            while time.monotonic() < deadline:
                one.wfile.write(b" ")
                time.sleep(0.01)
        except OSError:
            return

    monkeypatch.setattr(remote, "MAX_BYTES", 1_000)
    library.answers = {"/large": holding(b" " * 2_000), "/slow": slowly}
    with pytest.raises(CatalogError, match="larger"):
        remote.fetch(f"{library.url}/large")
    with pytest.raises(CatalogError, match="cannot be fetched"):
        remote.fetch(f"{library.url}/slow", timeout=0.2)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/x",
        "http://[fd00:ec2::254]/latest",
        "http://168.63.129.16/x",
        "http://0.0.0.0/x",
        "http://[::ffff:169.254.169.254]/x",
        "http://224.0.0.1/x",
        "https://user:secret@127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "https:///x",
        "http://[broken/x",
    ],
)
def test_some_servers_are_never_asked(url: str):
    with pytest.raises(RefusedError):
        remote.fetch(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "http://localhost/x", "http://[::1]/x", "http://10.0.0.1/x"])
def test_a_public_servers_document_cannot_refer_to_a_private_server(url: str):
    with pytest.raises(RefusedError, match="may not be asked"):
        remote.fetch(url, referrer="https://example.com/a.json")
