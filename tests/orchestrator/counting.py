"""What processes of the tests call: it remembers who called, when, and with which key."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from click.testing import CliRunner

from mcp_codegen.orchestrator.cli import main
from tests.orchestrator.conftest import PROCESSES, ROOT

ERRANDS = str(PROCESSES / "errands.py")
PATIENCE = 90.0


@dataclass(frozen=True)
class Call:
    number: int
    step: str
    key: str
    moment: float


@dataclass
class Counter:
    """An ASGI application: `POST /NUMBER/STEP`."""

    latency: float = 0.02
    calls: list[Call] = field(default_factory=list)
    held: set[int] = field(default_factory=set)
    """Numbers whose calls are answered when they are no longer held."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        number, step = scope["path"].strip("/").split("/")
        key = dict(scope["headers"])[b"idempotency-key"].decode()
        self.calls.append(Call(int(number), step, key, time.monotonic()))
        await asyncio.sleep(self.latency)
        while int(number) in self.held:  # noqa: ASYNC110 - the test lets go of it in another thread
            await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    def numbers(self, step: str) -> list[int]:
        """Whose calls of a step came, in their order."""
        return [call.number for call in self.calls if call.step == step]

    def repeated(self) -> list[Call]:
        """Calls of steps that had been called before."""
        first = {(call.number, call.step): call for call in reversed(self.calls)}
        return [call for call in self.calls if first[call.number, call.step] is not call]

    def check(self) -> None:
        """No finished step was called again, and what was repeated carried the same key, which is its own."""
        order = {"fetch": 0, "carry": 1, "deliver": 2}
        by_number: dict[int, list[int]] = {}
        keys: dict[tuple[int, str], str] = {}
        for call in self.calls:
            by_number.setdefault(call.number, []).append(order[call.step])
            assert keys.setdefault((call.number, call.step), call.key) == call.key
        assert len(set(keys.values())) == len(keys)
        assert all(steps == sorted(steps) for steps in by_number.values()), by_number


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The URL of an application that is served on loopback."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(20)


def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for it, not for ever."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def errands(folder: Path, count: int, *, first: int = 1, name: str = "errands.jsonl") -> str:
    """A file of inputs."""
    lines = [json.dumps({"number": number}) for number in range(first, first + count)]
    (folder / name).write_text("\n".join(lines))
    return name


@dataclass
class Office:
    """Types commands in one folder, over one database."""

    folder: Path
    database: str
    environ: dict[str, str]

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "mcp_codegen.orchestrator", *words, "--database", self.database],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *words: str, code: int = 0) -> str:
        """In this process, which costs less."""
        with chdir(self.folder):
            result = CliRunner().invoke(main, [*words, "--database", self.database], env=self.environ)
        assert result.exit_code == code, (result.output, result.exc_info)
        return result.stdout

    def batch(self, file: str, *words: str, code: int = 0, process: str = ERRANDS) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run("batch", process, "--inputs", file, "--json", *words, code=code))
        return told

    @contextmanager
    def worker(self, *words: str, process: str = ERRANDS) -> Iterator[subprocess.Popen[str]]:
        """A worker that works."""
        with self.start("worker", process, *words) as running:
            assert running.stderr is not None
            try:
                assert "works on" in running.stderr.readline()
                yield running
            finally:
                running.kill()
