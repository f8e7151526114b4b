"""What a batch tells while it goes on: a bar on a terminal; elsewhere a line at each tenth, and every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.text import Text

from mcp_codegen.orchestrator.durable.batching import Tally
from mcp_codegen.orchestrator.summary import fitting

REDRAW_SECONDS = 0.25
LOOK_SECONDS = 0.5
LINE_SECONDS = 10.0
TENTHS = 10
WINDOW_SECONDS = 30.0
"""What a rate is taken over: long enough to be steady, short enough to follow."""
MINUTE, HOUR = 60, 3600


class Pace:
    """How fast runs end, over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, seconds: float, ended: int) -> None:
        """Take note of how many had ended by then."""
        self._seen.append((seconds, ended))
        while self._seen[0][0] < seconds - WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Runs per second."""
        (since, before), (until, after) = (self._seen[0], self._seen[-1]) if self._seen else ((0.0, 0), (0.0, 0))
        return (after - before) / (until - since) if until > since else 0.0


def total(tally: Tally, lines: int | None) -> int | None:
    """How many runs there are to end: exact once the file is read, by its lines before; None where nobody knows."""
    if tally.read:
        return tally.new + tally.taken_up
    if lines is None:
        return None
    return max(lines - tally.known - tally.rejected, tally.new) + tally.taken_up


def line(tally: Tally, pace: Pace, lines: int | None) -> str:
    """Where the batch is, in one line."""
    ended, many = tally.ended.total(), total(tally, lines)
    about = "" if tally.read else "about "
    of = f" of {about}{many:,} ({_percent(ended, many)} %)" if many else ""
    parts = [f"{ended:,}{of} ended", *_counted(tally), *_ahead(ended, many, pace)]
    return ", ".join(parts)


@contextmanager
def shown(console: Console, tally: Tally, file: Path) -> Iterator[None]:
    """Tell of the batch as long as the block lasts. A terminal that is gone stops the telling, not the batch."""
    live = console.is_terminal and not console.is_dumb_terminal
    telling = asyncio.create_task((_bar if live else _lines)(console, tally, file))
    try:
        yield
    finally:
        telling.cancel()


def count_lines(file: Path) -> int | None:
    """How many rows a file has at most, without reading them; None for those that are no lines."""
    kind = file.suffix.lower()
    if kind == ".json":
        return None
    with suppress(OSError), file.open("rb") as opened:
        count, last = 0, b"\n"
        while block := opened.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
        return max(count + (last != b"\n") - (kind == ".csv"), 0)
    return None


async def _lines(console: Console, tally: Tally, file: Path) -> None:
    lines = await asyncio.to_thread(count_lines, file)
    pace, start, said_at, tenth, said = Pace(), time.monotonic(), time.monotonic(), 0, ""
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now, ended, many = time.monotonic(), tally.ended.total(), total(tally, lines)
            pace.see(now - start, ended)
            reached = TENTHS * ended // many if many else 0
            if (reached > tenth or now - said_at >= LINE_SECONDS) and (words := line(tally, pace, lines)) != said:
                said_at, tenth, said = now, max(reached, tenth), words
                _say(console, words)
    finally:
        if tally.ended and (words := line(tally, pace, lines)) != said:
            _say(console, words)


def _say(console: Console, words: str) -> None:
    with suppress(OSError, SystemExit):
        console.print(fitting(words, console.encoding), soft_wrap=True)


async def _bar(console: Console, tally: Tally, file: Path) -> None:
    lines = await asyncio.to_thread(count_lines, file)
    pace, start = Pace(), time.monotonic()
    columns = (
        *(SpinnerColumn(), BarColumn(bar_width=24), MofNCompleteColumn(), TaskProgressColumn()),
        TextColumn("{task.fields[counted]}", markup=False),
    )
    with suppress(OSError, SystemExit), Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, counted="")
        while True:
            ended, many = tally.ended.total(), total(tally, lines)
            pace.see(time.monotonic() - start, ended)
            counted = Text(fitting(", ".join([*_counted(tally), *_ahead(ended, many, pace)]), console.encoding))
            progress.update(task, completed=ended, total=many, counted=counted.plain)
            await asyncio.sleep(REDRAW_SECONDS)


def _counted(tally: Tally) -> list[str]:
    parts = [f"{tally.ended['succeeded']:,} succeeded", f"{tally.ended['failed']:,} failed"]
    more = ((tally.ended["cancelled"], "cancelled"), (tally.retried, "retries"), (tally.rejected, "rejected"))
    return parts + [f"{count:,} {word}" for count, word in more if count]


def _ahead(ended: int, many: int | None, pace: Pace) -> list[str]:
    """How fast it goes, and how long it will."""
    parts = [f"{pace.rate:,.1f}/s"] if pace.rate else []
    if many and pace.rate and ended < many:
        parts.append(f"{_span((many - ended) / pace.rate)} left")
    return parts


def _percent(part: int, whole: int) -> int:
    return min(100 * part // whole, 100)


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
