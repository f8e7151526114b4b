"""An HTTP server on loopback that keeps every request as it came over the wire, and answers as it is told to."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

NUMBERS = ("523_47_682957384", "523_47_682957383", "523_47_682957382")


@dataclass(frozen=True)
class Received:
    """A request, byte for byte: `target` is the path with its query, nothing decoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)


class Peer:
    """The other end of a connection, for an answer to write to, wait for, or hang up on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: Callable[[], None]) -> None:
        self._reader = reader
        self._writer = writer
        self._left = left
        self.open = True

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def until_gone(self, seconds: float | None = None) -> bool:
        """Wait for the other end to hang up, for so many seconds; whether it did."""
        try:
            async with asyncio.timeout(seconds):
                with suppress(ConnectionError):  # a reset is a way to hang up too
                    await self._reader.read()
        except TimeoutError:
            return False
        self._left()
        return True

    def close(self) -> None:
        self.open = False
        self._writer.close()

    def reset(self) -> None:
        """Hang up with a TCP reset, not a farewell."""
        self.open = False
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()


Answer = Callable[[Received, Peer], Awaitable[None]]


def response(
    content: bytes, status: str = "200 OK", *headers: str, kind: str = "application/json", length: int | None = None
) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}"] if kind else [f"HTTP/1.1 {status}"]
    lines += [f"Content-Length: {len(content) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + content


def success(request: Received) -> dict[str, Any]:
    """What the APIs answer, drawn from the request so that answers can be paired to calls."""
    if request.path.endswith("/api/debt/fixed"):
        sent = json.loads(request.body)
        debts = [{"document": sent["document"], "amount": 9539, "dueDate": "2025-12-01"}]
        return {
            "customerIdentification": sent["customerIdentification"],
            "totalDebt": 9539,
            "currency": "CLP",
            "debts": debts,
        }
    if request.path.endswith("/GetListInvoices"):
        sent = json.loads(request.body)
        return {
            "customerId": sent["customerId"],
            "customerName": "LOPEZ TORRES MIGUEL ALEJANDRO",
            "customerRut": "198765432",
            "msisidn": sent["msisidn"],
            "implInvoiceLists": [
                {"billingInvoiceNumber": number, "invoiceAmount": 9539, "currency": "CLP", "invoiceStatusInd": "O"}
                for number in NUMBERS
            ],
        }
    number = dict(request.query)["billingInvoiceNumber"]
    return {"billingInvoiceNumber": number, "invoiceLink": f"https://facturas.example.com/{number}.pdf"}


async def ok(request: Received, peer: Peer) -> None:
    await peer.send(response(json.dumps(success(request)).encode()))


def answering_json(data: Any) -> Answer:
    """The same answer to every request."""

    async def answer(_: Received, peer: Peer) -> None:
        await peer.send(response(json.dumps(data).encode()))

    return answer


class Upstream:
    """The server: set `answer` to choose what it does, read `received` for what reached it."""

    def __init__(self) -> None:
        self.answer: Answer = ok
        self.received: list[Received] = []
        self.left = 0
        """How many callers hung up before they had their answer."""
        self.connections = 0
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self._loop.close()

    def reset(self) -> None:
        self.answer = ok
        self.received.clear()
        self.left = 0

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._started.set()
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = Peer(reader, writer, self._count)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while peer.open:
                request = await _read(reader)
                self.received.append(request)
                await self.answer(request, peer)
        if peer.open:
            writer.close()

    def _count(self) -> None:
        self.left += 1


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    length = int(next((value for name, value in headers if name.lower() == "content-length"), "0"))
    return Received(method, target, headers, await reader.readexactly(length))
