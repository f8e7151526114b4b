"""One run from its connection to its record, whatever happens on the way."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from mcp_codegen.orchestrator import connecting
from mcp_codegen.orchestrator.engine import LocalEngine, unstarted
from mcp_codegen.orchestrator.errors import ApiFailure, ServerError, root_cause, shown
from mcp_codegen.orchestrator.process import ClientT, InputT, OutputT, Process, Watch
from mcp_codegen.orchestrator.record import RunRecord

logger = logging.getLogger(__name__)

EXIT_SIGNAL = 128
GRACE_SECONDS = 10.0
"""How long a process that was asked to stop may take."""

Finish = Callable[[RunRecord, int | None], None]
"""Takes the record, and the number of the signal that stopped the run; called once, before anything is closed."""


def completed(work: Coroutine[Any, Any, int]) -> int:
    """The exit code that the work gives, as by `asyncio.run`, when everything is said and saved.

    Tasks that do not stop when they are cancelled keep the program for the grace, and no longer.
    """
    endings: list[threading.Timer] = []

    async def limited() -> int:
        code = await work
        endings.append(threading.Timer(GRACE_SECONDS, os._exit, [code]))
        endings[0].daemon = True
        endings[0].start()
        return code

    try:
        return asyncio.run(limited())
    finally:
        for ending in endings:
            ending.cancel()


async def run(
    process: Process[ClientT, InputT, OutputT],
    given: InputT,
    *,
    server: str,
    mock: Path | None,
    watch: Watch,
    finish: Finish,
) -> None:
    """Run a process once. Its record is handed on as soon as there is one: what is closed later may hang.

    SIGINT and SIGTERM stop the run in order; a second one, or a process that goes on all the same, ends it at once.
    """
    finished, task = False, asyncio.current_task()

    def end(record: RunRecord) -> None:
        nonlocal finished
        if not finished:
            finished = True
            finish(record, received[0] if received else None)

    def give_up() -> None:
        end(unstarted(process, given, asyncio.CancelledError()))
        sys.stdout.flush()
        os._exit(EXIT_SIGNAL + received[-1])

    with interruptible(task.cancel if task else give_up, give_up) as received:
        try:
            async with connected(process, server, mock) as client:
                end(await _run(process, client, given, watch))
        except asyncio.CancelledError as error:
            end(unstarted(process, given, error))
        except Exception as error:  # connecting may raise anything, and the record must be kept
            logger.debug("the connection failed", exc_info=True)
            end(unstarted(process, given, connection_failure(server, error)))


async def _run(process: Process[ClientT, InputT, OutputT], client: ClientT, given: InputT, watch: Watch) -> RunRecord:
    engine = LocalEngine(watch)
    run_id = await engine.start(process, client, given)
    try:
        return await engine.wait(run_id)
    except asyncio.CancelledError as error:
        _taken_in()
        await engine.cancel(run_id)
        waiting = asyncio.ensure_future(engine.wait(run_id))
        await asyncio.wait({waiting}, timeout=GRACE_SECONDS)
        return waiting.result() if waiting.done() else unstarted(process, given, error)


def _taken_in() -> None:
    """Note that a cancellation ends here: the run is cancelled in its place."""
    if (task := asyncio.current_task()) is not None:
        task.uncancel()


@asynccontextmanager
async def connected(process: Process[ClientT, Any, Any], server: str, mock: Path | None) -> AsyncIterator[ClientT]:
    """A client of the process's server, or of one that stands before a stand-in of the catalog `mock`."""
    if mock is None:
        async with connecting.connected(process.client, server, None) as client:
            yield client
    else:
        async with (
            connecting.stand_in(mock) as settings,
            connecting.connected(process.client, server, settings) as client,
        ):
            yield client


def connection_failure(server: str, error: Exception) -> BaseException:
    """Why there is no connection, as it is recorded."""
    cause = root_cause(error)
    if isinstance(cause, ApiFailure):
        return cause
    return ServerError(
        f"there is no connection to the server {shown(server)} ({type(cause).__name__})",
        code="connection_failed",
        hint="check that it runs and that its address is right; --debug shows the whole error",
    )


@contextmanager
def interruptible(stop_it: Callable[[], object], give_up: Callable[[], None]) -> Iterator[list[int]]:
    """Stop at the first SIGINT or SIGTERM, and give up at the second.

    Gives the signals that came.
    """
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def restore() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, ValueError, RuntimeError):
                loop.remove_signal_handler(number)

    def stop(number: int) -> None:
        received.append(number)
        if len(received) > 1:
            give_up()
        else:
            stop_it()

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not on Windows, nor in another thread
            loop.add_signal_handler(number, stop, number)
    try:
        yield received
    finally:
        restore()
