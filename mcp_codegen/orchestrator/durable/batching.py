"""A batch: a process for every row of a file, each row once, however often it is started."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable import batch_ledger, database, ledger
from mcp_codegen.orchestrator.durable.queues import Priority
from mcp_codegen.orchestrator.durable.transact import DurableEngine, Submitter, history
from mcp_codegen.orchestrator.errors import UserError, shown
from mcp_codegen.orchestrator.record import RunRecord

logger = logging.getLogger(__name__)

CHUNK = 100
"""Rows that are put into the queue in one transaction."""
AHEAD = 4
"""How many times as many runs wait in the queue as are in flight: the queue stays small, however large the file."""
FAR_AHEAD = 10_000
"""The same where the runs are left to workers, whose number is not known."""
LOOK_SECONDS = 1.0
"""How often the database is asked, where nothing is heard."""
GRACE_SECONDS = 10.0
"""How long runs in flight may take when the batch is stopped; after that they go on at the next start."""
AWAY_SECONDS = 60.0
"""How long a database that is away is waited for: a server that is started anew, or replaced by its stand-by."""
ENOUGH = 20
"""Runs that must have ended before a rate of failures means anything."""

ResultT = TypeVar("ResultT")
Stop = Literal["failures", "server", "signal", "paused", "cancelled"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a batch may do."""

    concurrency: int
    max_failures: int | None
    max_failure_rate: float | None
    """Between 0 and 1, of the runs that ended."""

    def exceeded(self, tally: Tally) -> bool:
        """Whether no more rows should be submitted."""
        failed, ended = tally.ended["failed"], tally.ended.total()
        if self.max_failures is not None and failed > self.max_failures:
            return True
        return self.max_failure_rate is not None and ended >= ENOUGH and failed / ended > self.max_failure_rate


@dataclass(slots=True)
class Tally:
    """What happened since the batch was started this time."""

    rows: int = 0
    rejected: int = 0
    new: int = 0
    known: int = 0
    """Rows whose runs were there already, from before or from an equal row."""
    taken_up: int = 0
    """Runs from before that had not ended."""
    retried: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    read: bool = False
    """Whether the whole file was read."""
    stop: Stop | None = None


def name(given: str | None, process: str, file: Path, *, mock: bool) -> str:
    """The batch's name: what was given, or made of the process's and the file's. Raises UserError."""
    if given is None:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-.")
        return f"{process}-{stem or 'inputs'}"[:70] + ("-mock" if mock else "")
    if not _NAME.fullmatch(given):
        raise UserError(f"--batch {shown(given)} cannot be a name", hint="up to 80 letters, digits, dots, _ and -")
    return given


class Batch:
    """One start of a batch: submits its rows, and waits for their runs, wherever they are executed."""

    def __init__(
        self, database: sa.Engine, batch: str, limits: Limits, tally: Tally, *, priority: Priority = "normal"
    ) -> None:
        self.tally = tally
        self._database = database
        self._batch = batch
        self._limits = limits
        self._priority = priority
        self._heard = asyncio.Event()
        self._before = Counter[str]()

    def on_finish(self, record: RunRecord) -> None:
        """Take note of a run that ended in this process; the engine's way to tell."""
        if record.run_id.startswith(f"{self._batch}:"):
            self.tally.retried += sum(len(step.retried) for step in record.steps)
            self._heard.set()

    def stop(self, why: Stop) -> None:
        """Submit no more rows and start no more runs."""
        self.tally.stop = self.tally.stop or why
        self._heard.set()

    async def submit(self, submitter: Submitter, entries: Iterator[ledger.Row]) -> None:
        """Submit the rows and leave them to workers."""
        while self.tally.stop is None and not self.tally.read:
            await self._submit(submitter, entries)

    async def drive(
        self, submitter: Submitter, entries: Iterator[ledger.Row], engine: DurableEngine[Any, Any, Any] | None = None
    ) -> None:
        """Submit the rows, and wait until every run has ended or the batch is stopped.

        The runs are executed by `engine` and by the workers of the queue.
        """
        window = max(CHUNK, AHEAD * self._limits.concurrency) if engine else FAR_AHEAD
        self._before = await asyncio.to_thread(batch_ledger.tallied, self._database, self._batch)
        self.tally.taken_up = self._before["unfinished"]
        watching = asyncio.create_task(self._watch(engine)) if engine else None
        try:
            while self.tally.stop is None and not self.tally.read:
                await self._wait_below(window)
                if self.tally.stop is None:
                    await self._submit(submitter, entries)
            await self._wait_below(1)
            if self.tally.stop is not None:
                await self._wind_up(engine)
            if engine is not None and engine.problem is not None:
                raise engine.problem
        finally:
            if watching is not None:
                watching.cancel()

    async def _submit(self, submitter: Submitter, entries: Iterator[ledger.Row]) -> None:
        read = await asyncio.to_thread(lambda: list(itertools.islice(entries, CHUNK)))
        if read:
            await self._patiently(lambda: self._put(submitter, read))
        self.tally.read = len(read) < CHUNK

    def _put(self, submitter: Submitter, read: Sequence[ledger.Row]) -> None:
        chunk = {row.run_id: row for row in reversed(read)}
        with self._database.begin() as connection:
            batch_ledger.hold_state(connection, self._batch)
            if self._is_halted(connection):
                return
            waiting = list(reversed(chunk.values()))
            fresh = ledger.add(
                connection, self._database, self._batch, submitter.process, waiting, queue=submitter.queue
            )
            for row in waiting:
                if row.run_id in fresh:
                    submitter.enqueue(connection, row.run_id, row.given, priority=self._priority)
        self.tally.new += len(fresh)
        self.tally.known += len(read) - len(fresh)

    async def _wait_below(self, count: int) -> None:
        """Until fewer runs than that have not ended, or the batch is stopped."""
        while self.tally.stop is None:
            self._heard.clear()
            if await self._patiently(self._look) < count:
                return
            try:
                await asyncio.wait_for(self._heard.wait(), LOOK_SECONDS)
                await asyncio.sleep(LOOK_SECONDS / 10)  # others will have ended meanwhile
            except TimeoutError:
                continue

    async def _patiently(self, ask: Callable[[], ResultT]) -> ResultT:
        """What the database answers, also where it is away for a while; each is asked again as a whole."""
        until = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return await asyncio.to_thread(ask)
            except SQLAlchemyError as error:
                if not database.away(error) or time.monotonic() > until or self.tally.stop == "signal":
                    raise
                logger.debug("the database is away", exc_info=True)
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> int:
        """Take stock of what ended anywhere, and give how many have not; stop where the batch was halted."""
        with self._database.connect() as connection:
            self._is_halted(connection)
        found = batch_ledger.tallied(self._database, self._batch)
        some = Counter({status: max(0, found[status] - self._before[status]) for status in ("failed", "cancelled")})
        ended = max(some.total(), self.tally.taken_up + self.tally.new - found["unfinished"])
        some["succeeded"] = ended - some.total()
        self.tally.ended = +some
        if self._limits.exceeded(self.tally):
            self.stop("failures")
        return found["unfinished"]

    def _hold(self) -> None:
        with history(self._database) as kept:
            if kept is not None:
                for run_ids in batch_ledger.unended(self._database, self._batch):
                    kept.hold(run_ids)

    def _is_halted(self, connection: sa.Connection) -> bool:
        halt = batch_ledger.halted(connection, self._batch)
        self.tally.stop = self.tally.stop or halt
        return halt is not None

    async def _watch(self, engine: DurableEngine[Any, Any, Any]) -> None:
        await engine.broken.wait()
        self.stop("server")

    async def _wind_up(self, engine: DurableEngine[Any, Any, Any] | None) -> None:
        if engine is not None:
            engine.pause()
            await engine.quiet(GRACE_SECONDS)
        if self.tally.stop == "failures":
            await self._patiently(self._hold)
        await self._patiently(self._look)
