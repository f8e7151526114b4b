"""The processes of a server over HTTP: how many, what becomes of them, and how they end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from telefonica_mcp.runtime.http_serving import HttpOptions, application, make_config
from telefonica_mcp.server import create_server
from tests.runtime.doors import INVOICES, HttpServer, free_port, http_server, settings, until
from tests.runtime.leaks import leaks
from tests.runtime.shop import Said, call, listed, send
from tests.runtime.upstream import Peer, Received, Upstream, ok

CALL = ("listado_de_boletas_fija", "", INVOICES)


@pytest.fixture
def caller() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def children(process: int) -> set[int]:
    """The worker processes of a server."""
    tasks = Path(f"/proc/{process}/task/{process}/children")
    if not tasks.exists():
        pytest.skip("this system does not tell the children of a process")
    found = {int(child) for child in tasks.read_text().split()}
    return {child for child in found if b"spawn_main" in _command(child)}


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def is_healthy(port: int) -> bool:
    try:
        return send(port, None, path="/healthz", method="GET").status == 200
    except OSError:
        return False


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except OSError:
        return True
    return False


class Slow:
    """An upstream that answers one call each time that it is told to."""

    def __init__(self, upstream: Upstream) -> None:
        self._come, self._go = threading.Semaphore(0), threading.Semaphore(0)
        upstream.answer = self

    async def __call__(self, request: Received, peer: Peer) -> None:
        self._come.release()
        if await asyncio.to_thread(self._go.acquire, timeout=60):
            await ok(request, peer)

    def has_come(self) -> bool:
        return self._come.acquire(timeout=60)

    def go_on(self) -> None:
        self._go.release()


@pytest.fixture
def slow(upstream: Upstream) -> Iterator[Slow]:
    slow = Slow(upstream)
    yield slow
    for _ in range(4):  # nobody is left waiting
        slow.go_on()


def in_flight(server: HttpServer, caller: ThreadPoolExecutor, slow: Slow) -> Future[Said]:
    """A call that has reached the upstream."""
    pending = caller.submit(call, server.port, *CALL)
    assert slow.has_come()
    return pending


def test_calls_are_ended_within_the_grace_and_then_given_up(
    tmp_path: Path, upstream: Upstream, slow: Slow, caller: ThreadPoolExecutor
):
    with http_server(settings(upstream.url), tmp_path, "--grace", "3") as server:
        pending = [in_flight(server, caller, slow), in_flight(server, caller, slow)]
        server.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(server.port))
        slow.go_on()
        assert server.process.wait(60) == -signal.SIGTERM
        first, second = sorted((one.result(60) for one in pending), key=lambda said: said.status)
        assert not first.result.get("isError")
        assert (second.status, second.headers["connection"]) == (503, "close")
        assert b"look before you call again" in second.body
        assert "Traceback" not in server.said()
        assert not leaks(server.said())


def test_a_worker_that_dies_is_replaced_and_all_end_their_calls_when_stopped(
    tmp_path: Path, upstream: Upstream, caller: ThreadPoolExecutor
):
    with http_server(settings(upstream.url), tmp_path, "--workers", "2", "--audit-log", "audit") as server:
        first = until(lambda: both(server))
        until(lambda: is_healthy(server.port))
        os.kill(min(first), signal.SIGKILL)
        until(lambda: both(server) not in (set(), first))
        for _ in range(6):
            assert not until(lambda: _answer(server.port)).result.get("isError")
        slow = Slow(upstream)
        pending = in_flight(server, caller, slow)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(server.port))
        slow.go_on()
        assert not pending.result(60).result.get("isError")
        assert server.process.wait(60) == 0
        assert server.said() == "A worker has ended (exit code -9) and is replaced.\n"
    outcomes = [json.loads(line)["outcome"] for line in (tmp_path / "audit").read_text().splitlines()]
    assert outcomes.count("ok") >= 7


def test_workers_do_not_outlive_who_watches_over_them(tmp_path: Path, upstream: Upstream):
    with http_server(settings(upstream.url), tmp_path, "--workers", "2") as server:
        workers = until(lambda: both(server))
        until(lambda: is_healthy(server.port))
        server.process.kill()
        until(lambda: not any(map(_command, workers)))
        until(lambda: refuses(server.port))


def both(server: HttpServer) -> set[int]:
    """Its two workers, once there are two."""
    found = children(server.process.pid)
    return found if len(found) == 2 else set()


def _answer(port: int) -> Said | None:
    try:
        return call(port, *CALL)
    except OSError:  # it went to the one that is being replaced
        return None


# --- Slow and greedy clients -----------------------------------------------------------------------------------------


@contextmanager
def impatient(**options: float) -> Iterator[int]:
    """A server in this process that waits for nobody longer than this."""
    given = HttpOptions(port=free_port(), **options)  # type: ignore[arg-type]
    server = uvicorn.Server(make_config(lambda: application(create_server({}), given), given))
    listening = socket.create_server((given.host, given.port))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        until(lambda: is_healthy(given.port))
        yield given.port
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with impatient(idle=1, body=0.3) as port:
        yield port


def conversation(port: int, *parts: bytes) -> bytes:
    """What comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        return b"".join(iter(lambda: _received(connection), b""))


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
HEALTHY = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW: dict[str, tuple[list[bytes], bytes]] = {
    "says nothing": ([], b""),
    "stops inside the head": ([HEAD], b""),
    "stops inside the head of a second request": (
        [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", HEAD],
        b"HTTP/1.1 200 OK",
    ),
    "stops inside the body": ([HEAD + b"Content-Length: 100\r\n\r\n{"], b"HTTP/1.1 408"),
    "declares too much": ([HEAD + b"Content-Length: 9000000\r\n\r\n"], b"HTTP/1.1 413"),
    "declares absurdly much": ([HEAD + b"Content-Length: 1%s\r\n\r\n" % (b"0" * 19)], b"HTTP/1.1 4"),
    "says twice how long it is": (
        [HEALTHY[:-2] + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HEALTHY],
        b"HTTP/1.1 400",
    ),
    "sends too much": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n500000\r\n" + b"x" * 0x500000], b"HTTP/1.1 413"),
}


@pytest.mark.parametrize(("parts", "answer"), SLOW.values(), ids=SLOW)
def test_nobody_is_waited_for_for_ever(port: int, parts: list[bytes], answer: bytes):
    try:
        said = conversation(port, *parts)
    except ConnectionError:
        assert answer == SLOW["sends too much"][1]  # it hung up before all was sent
        return
    assert said.startswith(answer)
    assert answer or not said


def test_who_reads_no_answer_takes_no_place_for_ever(port: int):
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'
    call = HEAD + b"Accept: application/json, text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.setblocking(False)
        until(lambda: hung_up_on(connection, call * 20))


def hung_up_on(connection: socket.socket, content: bytes) -> bool:
    """Whether nothing more can be sent; what is answered fills the buffers, then what is asked does."""
    try:
        connection.send(content)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("path", ["/mcp/", "/healthz/", "//mcp", "/mcp%2F"])
def test_no_path_leads_to_a_host_that_a_request_names(port: int, path: str):
    said = send(port, None, path=path, Host="evil.example")
    assert "location" not in said.headers
    assert said.status in (404, 421) or (path == "/mcp/" and said.status == 400)


def test_what_is_refused_says_what_to_do(port: int):
    late = conversation(port, HEAD + b"Content-Length: 100\r\n\r\n")
    assert b"was not sent whole within 0.3 seconds" in late
    assert b"Send it again" in late
    large = conversation(port, HEAD + b"Content-Length: 5000000\r\n\r\n")
    assert b"larger than 4096 KiB" in large
    assert b"Send less" in large
    other = send(port, None, method="GET")
    assert (other.status, other.headers["allow"]) == (405, "POST")


def test_a_good_call_after_bad_ones_is_answered(port: int):
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    try:
        assert len(listed(port).tools) == 3
    finally:
        for connection in waiting:
            connection.close()
