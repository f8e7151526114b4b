"""The verb `batch`: from words to an exit code."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console

from mcp_codegen.orchestrator import runner
from mcp_codegen.orchestrator.durable import batching, database, definition, exporting, ledger, telling, transact
from mcp_codegen.orchestrator.durable.batching import Limits, Tally
from mcp_codegen.orchestrator.durable.reporting import making
from mcp_codegen.orchestrator.errors import ResultsError, UserError, describe, printable
from mcp_codegen.orchestrator.process import Process
from mcp_codegen.orchestrator.summary import error_text

logger = logging.getLogger(__name__)

EXIT_SUCCEEDED, EXIT_FAILED, EXIT_REJECTED, EXIT_STOPPED = 0, 1, 3, 4
SHOWN_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for."""

    process: Process[Any, Any, Any]
    file: Path
    batch: str
    key: tuple[str, ...]
    server: str
    mock: Path | None
    results: Path
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How it went."""

    code: int
    text: str
    data: dict[str, Any]


def rehearse(order: Order, where: str) -> Ending:
    """Read and check the whole file; nothing runs, and no database is made."""
    tally = Tally()
    notes = batching.check_columns(order.process.input, order.file, order.key)
    ids = set[str]()
    with exporting.rejects(order.results) as reject:
        for row in batching.accepted(
            order.process.input, order.file, order.batch, order.key, reject=reject, tally=tally
        ):
            ids.add(row.run_id)
    there = _there(where, order.batch)
    tally.read, tally.new, tally.known = (
        True,
        len(ids) - len(ids & there),
        tally.rows - tally.rejected - len(ids - there),
    )
    told = f"{tally.rows} rows: {tally.new} to run, {tally.known} there already or equal, {tally.rejected} rejected"
    lines = [f"Batch {order.batch}, not started (--dry-run)", f"  {told}", *_rejected(order, tally), *_ignored(notes)]
    code = EXIT_REJECTED if tally.rejected else EXIT_SUCCEEDED
    return Ending(code=code, text="\n".join(lines), data=_data(order, tally, {}, []))


def _accepted(order: Order, reject: batching.Reject, tally: Tally) -> Iterator[ledger.Row]:
    model = order.process.input
    return batching.accepted(model, order.file, order.batch, order.key, reject=reject, tally=tally)


def _there(where: str, batch: str) -> set[str]:
    try:
        kept = database.connect(where, create=False)
    except UserError:
        return set()
    if not sa.inspect(kept).has_table(ledger.runs.name):
        return set()
    return {row.run_id for page in ledger.pages(kept, batch) for row in page}


async def execute(order: Order, kept: sa.Engine, console: Console) -> Ending:
    """Run the batch, or go on with it. Raises UserError before anything has started."""
    notes = batching.check_columns(order.process.input, order.file, order.key)
    ledger.prepare(kept)
    tally = Tally()
    with database.reserved(kept, order.batch):
        _check(order, kept)
        batch = batching.Batch(kept, order.batch, order.process.name, order.limits, tally)
        ledger.mark_batch(kept, order.batch, "running")
        failure = None
        with (
            exporting.rejects(order.results) as reject,
            runner.interruptible(lambda: batch.stop("signal"), lambda: os._exit(130)) as received,
        ):
            entries = batching.accepted(
                order.process.input, order.file, order.batch, order.key, reject=reject, tally=tally
            )
            try:
                ending = await _drive(order, kept, batch, entries, console)
            except Exception as error:  # connecting may raise anything; what is in the database stays
                if isinstance(error, UserError | ResultsError):
                    raise
                logger.debug("the batch failed", exc_info=True)
                failure = error_text(describe(runner.connection_failure(order.server, error)))
                ending = Ending(code=EXIT_FAILED, text="", data={})
        state = "ended" if tally.stop is None and failure is None else "stopped"
        ledger.mark_batch(kept, order.batch, state, rejected=tally.rejected if tally.read else None)
    if failure is not None:
        text = f"✗ Batch {order.batch} was not run: {failure}"
        return Ending(code=EXIT_FAILED, text=text, data={"batch": order.batch, "error": failure})
    code = runner.EXIT_SIGNAL + received[0] if received and tally.stop == "signal" else ending.code
    return Ending(code=code, text="\n".join([ending.text, *_ignored(notes)]), data=ending.data)


async def _drive(
    order: Order, kept: sa.Engine, batch: batching.Batch, entries: Iterator[ledger.Row], console: Console
) -> Ending:
    opening = runner.connected(order.process, order.server, order.mock)
    async with opening as client:
        engine = transact.opened(
            kept,
            order.process,
            client,
            executor=order.batch,
            concurrency=order.limits.concurrency,
            on_finish=batch.on_finish,
        )
        async with engine as durable:
            await asyncio.to_thread(_go_on, order, kept)
            with telling.shown(console, batch.tally):
                await batch.drive(durable, entries)
            return await asyncio.to_thread(_ending, order, kept, batch.tally)


def _go_on(order: Order, kept: sa.Engine) -> None:
    with transact.history(kept) as history:
        if history is not None:
            history.go_on(order.batch, definition.version(order.process))


def _check(order: Order, kept: sa.Engine) -> None:
    """That the batch, if it is there already, is one of this process and fits what was asked. Raises UserError."""
    mock = order.mock is not None
    found = ledger.open_batch(
        kept, order.batch, process=order.process.name, source=str(order.file.resolve()), mock=mock
    )
    other = "give it another name with --batch"
    if found.process != order.process.name:
        raise UserError(f"the batch {order.batch} is one of the process {found.process}", hint=other)
    if found.mock != mock:
        before = "a stand-in" if found.mock else "the real APIs"
        raise UserError(f"the batch {order.batch} was run against {before}; its runs would be mixed up", hint=other)
    with transact.history(kept) as history:
        version = definition.version(order.process)
        strange = history.of_other_versions(order.batch, version) if history is not None else {}
    if strange:
        many = f"{len(strange)} runs of {order.batch} are" if len(strange) > 1 else f"1 run of {order.batch} is"
        raise UserError(
            f"the process {order.process.name} has changed: {many} in the middle of its version "
            f"{', '.join(sorted(set(strange.values())))}; it is {version} now, and could repeat or miss steps",
            hint="bring the old file back until they have ended, or stop them: "
            f"mcp-orchestrator runs cancel {next(iter(strange))} …",
        )


def _ending(order: Order, kept: sa.Engine, tally: Tally) -> Ending:
    if tally.read:
        ledger.mark_batch(kept, order.batch, "running", rejected=tally.rejected)  # the report tells of them
    counts = ledger.counts(kept, order.batch)
    reasons = ledger.failures(kept, order.batch)
    saved: list[Path] = []
    problem = ""
    with transact.history(kept) as history:
        try:
            if history is not None:
                saved = making.make(kept, history, order.batch, order.results)
        except ResultsError as error:
            problem = f"✗ {error.message}"
    lines = [f"Batch {order.batch}: {_counted(counts)}"]
    lines.append(
        f"  this time: {tally.new} new, {tally.taken_up} taken up, {tally.known} there already, {tally.retried} retries"
    )
    lines += [f"  {count} of {code} at {step or 'no step'}: {message}" for code, step, message, count in reasons]
    lines += _rejected(order, tally)
    lines += _stopped(order, tally)
    lines.append(problem or f"✓ Results saved to: {', '.join(map(str, saved))}")
    lines = [printable(text) for text in lines]
    return Ending(code=_code(counts, tally, problem), text="\n".join(lines), data=_data(order, tally, counts, saved))


def _code(counts: dict[str, int], tally: Tally, problem: str) -> int:
    if tally.stop == "failures":
        return EXIT_STOPPED
    if problem or tally.stop == "server" or counts.keys() - {"succeeded"}:
        return EXIT_FAILED
    return EXIT_REJECTED if tally.rejected else EXIT_SUCCEEDED


def _counted(counts: dict[str, int]) -> str:
    words = ["succeeded", "failed", "cancelled", "unfinished"]
    told = [f"{counts[word]} {word}" for word in words if counts.get(word)]
    return ", ".join(told) or "no runs"


def _rejected(order: Order, tally: Tally) -> list[str]:
    if not tally.rejected:
        return []
    return [f"  {tally.rejected} of {tally.rows} rows rejected: {exporting.with_suffix(order.results, '.rejects.csv')}"]


def _stopped(order: Order, tally: Tally) -> list[str]:
    again = "the same command goes on where it was"
    match tally.stop:
        case "failures":
            return [f"✗ Stopped: more than the failures that were allowed; no more rows were submitted. {again}"]
        case "server":
            return [f"✗ Stopped: the server {order.server} ended. No run was failed for that; {again}"]
        case "signal":
            return [f"✗ Stopped by a signal; {again}"]
    return []


def _ignored(notes: list[str]) -> list[str]:
    more = f" and {len(notes) - SHOWN_COLUMNS} more" if len(notes) > SHOWN_COLUMNS else ""
    return [f"  columns ignored: {'; '.join(notes[:SHOWN_COLUMNS])}{more}"] if notes else []


def _data(order: Order, tally: Tally, counts: dict[str, int], saved: list[Path]) -> dict[str, Any]:
    told: dict[str, Any] = asdict(tally) | {"ended": dict(tally.ended)}
    return {
        "batch": order.batch,
        "process": order.process.name,
        "runs": counts,
        "this_time": told,
        "results": [*map(str, saved)],
    }


def to_json(ending: Ending) -> str:
    """The ending for programs."""
    return json.dumps(ending.data, indent=2)
