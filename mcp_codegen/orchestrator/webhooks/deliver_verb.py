"""The verb `webhooks deliver`: delivers until it is asked to stop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator import runner
from mcp_codegen.orchestrator.durable import database, transact
from mcp_codegen.orchestrator.durable.transact import Errands
from mcp_codegen.orchestrator.webhooks import delivering
from mcp_codegen.orchestrator.webhooks.delivering import QUEUE, Delivering
from mcp_codegen.orchestrator.webhooks.destinations import Allowed

LOOK_SECONDS = 0.5
"""How often the outbox is looked at."""
CLEAN_SECONDS = 3600.0
CONCURRENCY = 100
GRACE_SECONDS = 10.0
EXIT_STOPPED, EXIT_FAILED = 0, 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was asked for."""

    database: str
    allow: Allowed
    waits: Sequence[float]
    recovery_seconds: float


async def execute(work: Work, say: Callable[[str], None]) -> int:
    """Deliver until a signal comes; gives the exit code. Raises UserError before it has started."""
    kept = database.connect(work.database)
    # a name server that does not answer holds a thread for longer than its attempt lasts, and others go on meanwhile
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * CONCURRENCY, "deliveries"))
    stopped = asyncio.Event()
    with runner.interruptible(stopped.set, lambda: os._exit(runner.EXIT_SIGNAL + received[-1])) as received:
        posting = Delivering(database=kept, environ=os.environ, allow=work.allow, waits=work.waits)
        opening = transact.errands(
            kept, QUEUE, posting.attempt, concurrency=CONCURRENCY, recovery_seconds=work.recovery_seconds
        )
        try:
            async with opening as errands:
                say(f"webhooks are delivered by {os.getpid()}")
                await _deliver(kept, errands, stopped)
                await errands.stop(GRACE_SECONDS)
        except Exception as error:
            if (lost := database.failure(error)) is None:
                raise
            logger.debug("the delivery failed", exc_info=True)
            say(f"✗ the delivery of webhooks ends: {lost.message}\n  {lost.hint}")
            return EXIT_FAILED
    return EXIT_STOPPED


async def _deliver(kept: sa.Engine, errands: Errands, stopped: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    clean_at = loop.time()
    while not stopped.is_set():
        handed = 0
        try:
            handed = await asyncio.to_thread(delivering.hand_over, kept, errands)
            if loop.time() >= clean_at:
                clean_at = loop.time() + CLEAN_SECONDS
                await asyncio.to_thread(delivering.forget_old, kept)
                await asyncio.to_thread(errands.forget)
        except SQLAlchemyError as error:  # the database may be away for a while
            logger.warning("the outbox cannot be read now: %s", type(error).__name__)
        if not handed:
            try:
                await asyncio.wait_for(stopped.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue
