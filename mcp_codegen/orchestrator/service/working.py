"""Workers of the service: a process of the machine for each business process, started anew when it ends.

They stand apart from the one that answers requests: what runs do with the processor keeps no caller waiting, and each
has an engine of its own. They end with the service, however that ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.cli_batch import DATABASE_VARIABLE
from mcp_codegen.orchestrator.durable import processors
from mcp_codegen.orchestrator.telemetry.exporting import FILE_VARIABLE
from mcp_codegen.orchestrator.telemetry.exposition import ENDING
from mcp_codegen.orchestrator.webhooks import delivering

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
"""Seconds before a worker that ended is started anew; doubled each time that it ended soon."""
SOON = 60.0
NICENESS = 5
"""Of workers: where the processors are all taken, requests are answered first."""
LOOK_SECONDS = 2.0
"""How often it is asked whether somebody has subscribed."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker is to do."""

    process: str
    """`FILE.py` or `FILE.py:NAME`."""
    server: str
    mock: Path | None
    options: tuple[str, ...]
    """More words for the verb `worker`."""

    def command(self) -> list[str]:
        """The worker's command; the database stands in its environment, since arguments are seen by everybody."""
        words = [sys.executable, "-m", "mcp_codegen.orchestrator", "worker", self.process, "--until-input-ends"]
        words += ["--server", self.server, *self.options]
        return words + ([f"--mock={self.mock}"] if self.mock else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """That webhooks are to be delivered."""

    words: tuple[str, ...]
    """Of the verb and its options."""

    def command(self) -> list[str]:
        """The command of the program that delivers."""
        return [sys.executable, "-m", "mcp_codegen.orchestrator", *self.words, "--until-input-ends"]


@asynccontextmanager
async def working(
    works: Sequence[Work],
    database: str,
    grace: int,
    *,
    metrics: Path,
    delivery: Delivery | None = None,
    kept: sa.Engine | None = None,
) -> AsyncIterator[None]:
    """Keep a worker for each piece of work as long as the block lasts; then stop them, and wait for them.

    Who delivers is started when somebody has subscribed, as the database says: most services have no webhooks.

    Their runs in flight have `grace` seconds to end in; after that other workers go on with them. Each writes its
    metrics to a file in the folder `metrics`.
    """
    files = [metrics / f"{number}-{Path(work.process).stem}{ENDING}" for number, work in enumerate(works, 1)]
    tasks = [asyncio.create_task(_keep(work, database, grace, file)) for work, file in zip(works, files, strict=True)]
    if delivery is not None and kept is not None:
        tasks.append(asyncio.create_task(_deliver(delivery, database, grace, kept)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _deliver(delivery: Delivery, database: str, grace: int, kept: sa.Engine) -> None:
    while not await asyncio.to_thread(_subscribed, kept):  # noqa: ASYNC110 - another process may write it
        await asyncio.sleep(LOOK_SECONDS)
    await _keep(delivery, database, grace)


def _subscribed(kept: sa.Engine) -> bool:
    try:
        return delivering.anything(kept)
    except SQLAlchemyError:  # it may be away for a while
        return False


async def _keep(work: Work | Delivery, database: str, grace: int, metrics: Path | None = None) -> None:
    loop, wait = asyncio.get_running_loop(), FIRST_WAIT
    while True:
        began = loop.time()
        processors.loosen()
        child = await asyncio.create_subprocess_exec(
            *work.command(),
            stdin=asyncio.subprocess.PIPE,  # it ends when this closes
            env=os.environ | {DATABASE_VARIABLE: database} | ({FILE_VARIABLE: str(metrics)} if metrics else {}),
            start_new_session=True,  # Ctrl-C is ours to handle
        )
        _yield_to_answers(child)
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            await _stop(child, grace)
            raise
        wait = FIRST_WAIT if loop.time() - began > SOON else min(wait * 2, LONGEST_WAIT)
        what = f"the worker of {work.process}" if isinstance(work, Work) else "who delivers webhooks"
        logger.warning("%s ended with exit code %s; it is started anew in %g s", what, code, wait)
        await asyncio.sleep(wait)


def _yield_to_answers(child: asyncio.subprocess.Process) -> None:
    if sys.platform != "win32":
        with suppress(OSError):  # it has ended, or has yielded as much already
            os.setpriority(os.PRIO_PROCESS, child.pid, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)


async def _stop(child: asyncio.subprocess.Process, grace: int) -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), grace + 15)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
