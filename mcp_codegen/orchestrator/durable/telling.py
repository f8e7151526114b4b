"""What a batch tells while it goes on and at its end: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from mcp_codegen.orchestrator.durable.batching import Tally
from mcp_codegen.orchestrator.summary import fitting

REDRAW_SECONDS = 0.25
LINE_SECONDS = 5.0


def line(tally: Tally, seconds: float) -> str:
    """Where the batch is, in one line."""
    ended = tally.ended.total()
    total = tally.new + tally.taken_up
    of = f"{total}" if tally.read else f"{total} or more"
    parts = [f"{ended} of {of} ended", f"{tally.ended['succeeded']} succeeded", f"{tally.ended['failed']} failed"]
    parts += [f"{count} {word}" for count, word in ((tally.retried, "retries"), (tally.rejected, "rejected")) if count]
    if seconds > 0 and ended:
        parts.append(f"{ended / seconds:.1f}/s")
    return ", ".join(parts)


@contextmanager
def shown(console: Console, tally: Tally) -> Iterator[None]:
    """Tell of the batch as long as the block lasts. A terminal that is gone stops the telling, not the batch."""
    start = time.monotonic()
    telling = asyncio.create_task(_bar(console, tally, start) if console.is_terminal else _lines(console, tally, start))
    try:
        yield
    finally:
        telling.cancel()


async def _lines(console: Console, tally: Tally, start: float) -> None:
    last = ""
    while True:
        await asyncio.sleep(LINE_SECONDS)
        if (said := line(tally, time.monotonic() - start)) != last:
            with suppress(OSError, SystemExit):
                console.print(fitting(said, console.encoding), soft_wrap=True)
        last = said


async def _bar(console: Console, tally: Tally, start: float) -> None:
    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with suppress(OSError, SystemExit), Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        while True:
            total = tally.new + tally.taken_up if tally.read else None
            told = line(tally, time.monotonic() - start).partition(", ")[2]
            progress.update(task, completed=tally.ended.total(), total=total, description=told)
            await asyncio.sleep(REDRAW_SECONDS)
