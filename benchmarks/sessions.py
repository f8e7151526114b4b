"""An MCP session over stdio with a server that is measured: plain JSON-RPC, the same for every server."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from benchmarks import children
from benchmarks.children import BrokenError, Cost

PROTOCOL: Final = "2025-06-18"
_HELLO: Final = {
    "protocolVersion": PROTOCOL,
    "capabilities": {},
    "clientInfo": {"name": "benchmarks", "version": "1"},
}
_WEIGH: Final = """
import json, sys
tools = json.load(sys.stdin.buffer)["result"]["tools"]
compact = [json.dumps(tool, ensure_ascii=False, separators=(",", ":")) for tool in tools]
print(len(tools), max((len(tool.encode()) for tool in compact), default=0))
"""
"""How many tools a listing has, and the bytes of the largest: in a process of its own, so that this one stays small."""


@dataclass(frozen=True, slots=True)
class Listed(Cost):
    """What a server cost until `tools/list` was answered; tools and bytes of the answer, bytes of the largest tool."""

    tools: int
    size: int
    largest: int


class Session:
    """A server that was started, and greeted. Leaving the block ends it. Raises `BrokenError` where it breaks off."""

    def __init__(
        self, command: Sequence[str | Path], *, cwd: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._process = children.started(command, cwd=cwd, environ=environ, stdin=subprocess.PIPE, stderr=self._log)
        self._alarm = threading.Timer(children.PATIENCE, children.end, (self._process.pid,))
        self._next = 0

    def __enter__(self) -> Session:
        self._alarm.start()
        try:
            self.ask("initialize", _HELLO)
            self._send({"method": "notifications/initialized"})
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.cancel()
        self.end()
        self._log.close()

    def ask(self, method: str, params: Mapping[str, Any]) -> bytes:
        """The line that answers a request."""
        self._request(method, params)
        return self._answer()

    def call(self, tool: str, arguments: Mapping[str, Any], times: int, in_flight: int) -> None:
        """Call a tool many times, so many at once. Each must succeed."""
        params = {"name": tool, "arguments": arguments}
        for _ in range(min(in_flight, times)):
            self._request("tools/call", params)
        for done in range(1, times + 1):
            answer = json.loads(self._answer())
            if "result" not in answer or answer["result"].get("isError"):
                raise BrokenError(f"a call failed: {json.dumps(answer.get('result') or answer.get('error'))[:200]}")
            if done + in_flight <= times:
                self._request("tools/call", params)

    def end(self, *, kill: bool = True) -> Cost:
        """End the server, or wait until it ends itself; what it cost in all."""
        if self._process.returncode is None:
            self._cost = children.ended(self._process, kill=kill)
            with suppress(BrokenPipeError):  # what it did not read
                _pipe(self._process.stdin).close()
            _pipe(self._process.stdout).close()
        return self._cost

    def _request(self, method: str, params: Mapping[str, Any]) -> None:
        self._next += 1
        self._send({"id": self._next, "method": method, "params": params})

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            pipe = _pipe(self._process.stdin)
            pipe.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError as error:
            raise BrokenError(self._why()) from error

    def _answer(self) -> bytes:
        """The next line that answers a request; what the server tells or asks on its own is passed over."""
        for line in _pipe(self._process.stdout):
            if b'"result"' in line or b'"error"' in line:
                return line
        raise BrokenError(self._why())

    def _why(self) -> str:
        self.end(kill=False)
        self._log.seek(0)
        return children.reason(self._log.read().decode(errors="replace"), self._process.returncode)


def listed(
    command: Sequence[str | Path], *, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> Listed:
    """A server's cost from its start until `tools/list` is answered. Raises `BrokenError`."""
    with Session(command, cwd=cwd, environ=environ) as session:
        line = session.ask("tools/list", {})
        cost = session.end()
    weighed = subprocess.run([sys.executable, "-c", _WEIGH], input=line, capture_output=True, check=False)
    if weighed.returncode:
        raise BrokenError(f"tools/list failed: {line[:200].decode(errors='replace')}")
    tools, largest = map(int, weighed.stdout.split())
    return Listed(cost.cpu, cost.memory, tools, len(line), largest)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise BrokenError("the server was started without pipes")
    return pipe
