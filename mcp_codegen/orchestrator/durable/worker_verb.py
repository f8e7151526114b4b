"""The verb `worker`: works on the runs of one process until it is asked to stop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator import runner
from mcp_codegen.orchestrator.durable import database, economy, limiting, queues, transact
from mcp_codegen.orchestrator.durable.queues import Rate
from mcp_codegen.orchestrator.errors import UserError, describe
from mcp_codegen.orchestrator.process import Process
from mcp_codegen.orchestrator.summary import error_text
from mcp_codegen.orchestrator.telemetry import figures
from mcp_codegen.orchestrator.telemetry.exporting import FILE_VARIABLE

logger = logging.getLogger(__name__)

EXIT_STOPPED, EXIT_FAILED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker was told."""

    process: Process[Any, Any, Any]
    database: str
    server: str
    mock: Path | None
    concurrency: int
    rates: Mapping[str, Rate]
    start_rate: Rate | None
    grace: float
    """Seconds that runs in flight may go on when it is asked to stop."""
    recovery_seconds: float


async def execute(work: Work, say: Callable[[str], None]) -> int:
    """Work until a signal comes or the server ends; gives the exit code. Raises UserError before it has started."""
    kept = database.connect(work.database)
    stopped = asyncio.Event()
    with runner.interruptible(stopped.set, lambda: os._exit(runner.EXIT_SIGNAL + received[-1])) as received:
        try:
            async with runner.connected(work.process, work.server, work.mock) as client:
                return await _work(work, kept, client, stopped, say)
        except UserError:
            raise
        except Exception as error:  # connecting may raise anything; what is in the database stays
            logger.debug("the worker failed", exc_info=True)
            lost = database.failure(error)
            told = error_text(describe(lost or runner.connection_failure(work.server, error)))
            say(f"✗ the worker ends: {told}" + (f"\n  {lost.hint}" if lost else ""))
            return EXIT_FAILED


async def _work(
    work: Work, kept: sa.Engine, client: Any, stopped: asyncio.Event, say: Callable[[str], None]  # noqa: ANN401
) -> int:
    mock = work.mock is not None
    opening = transact.opened(
        kept,
        work.process,
        limiting.paced(client, work.rates, kept, mock=mock),
        concurrency=work.concurrency,
        mock=mock,
        start_rate=work.start_rate,
        recovery_seconds=work.recovery_seconds,
    )
    async with economy.kept(), opening as engine, AsyncExitStack() as stack:
        version = queues.version(work.process, mock=mock)
        if FILE_VARIABLE not in os.environ:  # a worker of the service leaves the database's figures to it
            stack.enter_context(figures.told(kept))
        say(f"worker {os.getpid()} works on {engine.queue}: version {version}, {work.concurrency} runs at a time")
        waiting = [asyncio.ensure_future(event.wait()) for event in (stopped, engine.broken)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        engine.pause()
        await engine.quiet(work.grace)
        left = len(engine.in_flight)
        if engine.problem is not None:
            raise engine.problem
        if engine.broken.is_set():
            say(f"✗ the server {work.server} ended. No run was failed for that; {left} are handed back")
            return EXIT_FAILED
    say(f"worker {os.getpid()} has stopped; {left} runs in flight were handed back")
    return EXIT_STOPPED
