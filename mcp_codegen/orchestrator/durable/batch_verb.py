"""The verb `batch`: from words to an exit code."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator import runner
from mcp_codegen.orchestrator.durable import (
    batching,
    database,
    exporting,
    ledger,
    limiting,
    tables,
    telling,
    transact,
    workers,
)
from mcp_codegen.orchestrator.durable.batching import Tally
from mcp_codegen.orchestrator.durable.order import Order, check
from mcp_codegen.orchestrator.durable.reporting import making
from mcp_codegen.orchestrator.durable.states import HALTED, State
from mcp_codegen.orchestrator.errors import ResultsError, UserError, describe, printable
from mcp_codegen.orchestrator.summary import cut, error_text

logger = logging.getLogger(__name__)

EXIT_SUCCEEDED, EXIT_FAILED, EXIT_REJECTED, EXIT_STOPPED = 0, 1, 3, 4


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
        for row in _accepted(order, reject, tally):
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
    if not sa.inspect(kept).has_table(tables.runs.name):
        return set()
    return {row.run_id for page in ledger.pages(kept, batch) for row in page}


async def execute(order: Order, kept: sa.Engine, console: Console) -> Ending:
    """Run the batch, or go on with it. Raises UserError before anything has started."""
    notes = batching.check_columns(order.process.input, order.file, order.key)
    ledger.prepare(kept)
    tally = Tally()
    with database.reserved(kept, order.batch):
        check(order, kept)
        batch = batching.Batch(kept, order.batch, order.limits, tally, priority=order.priority)
        ledger.mark_batch(kept, order.batch, "running")
        failure = None
        with (
            exporting.rejects(order.results) as reject,
            runner.interruptible(lambda: batch.stop("signal"), lambda: os._exit(130)) as received,
        ):
            entries = _accepted(order, reject, tally)
            try:
                ending = await _submitted(order, kept, batch, entries, console)
            except Exception as error:  # connecting may raise anything; what is in the database stays
                if isinstance(error, UserError):
                    ledger.mark_batch(kept, order.batch, "stopped")
                    raise
                logger.debug("the batch failed", exc_info=True)
                told = error if isinstance(error, ResultsError) else database.failure(error)
                failure = error_text(describe(told or runner.connection_failure(order.server, error)))
                failure += f"\n  {told.hint}" if told else ""
                ending = Ending(code=EXIT_FAILED, text="", data={})
        ended: State = "submitted" if order.mode == "submit" else "ended"
        state: State = ended if tally.stop is None and failure is None else "stopped"
        with suppress(SQLAlchemyError) if failure else nullcontext():  # it may be the database that failed
            ledger.mark_batch(kept, order.batch, state, rejected=tally.rejected if tally.read else None)
    if failure is not None:
        text = f"✗ Batch {order.batch} was not run to its end: {failure}"
        return Ending(code=EXIT_FAILED, text=text, data={"batch": order.batch, "error": failure})
    code = runner.EXIT_SIGNAL + received[0] if received and tally.stop == "signal" else ending.code
    return Ending(code=code, text="\n".join([ending.text, *_ignored(notes)]), data=ending.data)


async def _submitted(
    order: Order, kept: sa.Engine, batch: batching.Batch, entries: Iterator[ledger.Row], console: Console
) -> Ending:
    with transact.submitting(kept, order.process.name, order.queue) as submitter:
        _release(order, kept)
        if order.mode == "submit":
            await batch.submit(submitter, entries)
            return _left(order, kept, batch.tally)
        if order.mode == "wait":
            if not workers.living(kept, order.queue):
                command = f"mcp-orchestrator worker {order.process.name}.py --database …"
                console.print(f"no worker of {order.process.name} is there yet: {command}", soft_wrap=True)
            with telling.shown(console, batch.tally, order.file):
                await batch.drive(submitter, entries)
            return _ending(order, kept, batch.tally)
        opening = runner.connected(order.process, order.server, order.mock)
        async with opening as client, _engine(order, kept, batch, client) as engine:
            with telling.shown(console, batch.tally, order.file):
                await batch.drive(submitter, entries, engine)
            return await asyncio.to_thread(_ending, order, kept, batch.tally)


def _engine(
    order: Order, kept: sa.Engine, batch: batching.Batch, client: Any  # noqa: ANN401 - the process's
) -> AbstractAsyncContextManager[transact.DurableEngine[Any, Any, Any]]:
    mock = order.mock is not None
    return transact.opened(
        kept,
        order.process,
        limiting.paced(client, order.rates, kept, mock=mock),
        executor=order.executor,
        mock=mock,
        concurrency=order.limits.concurrency,
        start_rate=order.start_rate,
        on_finish=batch.on_finish,
    )


def _release(order: Order, kept: sa.Engine) -> None:
    """What was held when the batch was stopped before goes on with it."""
    with transact.history(kept) as history:
        if history is not None:
            history.release(order.batch, order.queue)


def _left(order: Order, kept: sa.Engine, tally: Tally) -> Ending:
    """The ending of a batch that is left to workers."""
    told = f"{tally.new} runs submitted, {tally.known} there already"
    lines = [f"Batch {order.batch}: {told}", *_rejected(order, tally), *_stopped(order, tally)]
    lines.append(f"  workers execute them; mcp-orchestrator batches show {order.batch}")
    code = EXIT_STOPPED if tally.stop in HALTED else EXIT_REJECTED if tally.rejected else EXIT_SUCCEEDED
    data = _data(order, tally, ledger.counts(kept, order.batch), [])
    return Ending(code=code, text="\n".join(map(printable, lines)), data=data)


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
                saved = making.make(kept, history, order.batch, order.results, show_personal=order.show_personal)
        except ResultsError as error:
            problem = f"✗ {error.message}"
    lines = [f"Batch {order.batch}: {_counted(counts)}"]
    lines.append(
        f"  this time: {tally.new} new, {tally.taken_up} taken up, {tally.known} there already, {tally.retried} retries"
    )
    lines += [f"  {count} of {code} at {step or 'no step'}: {cut(message)}" for code, step, message, count in reasons]
    lines += _rejected(order, tally)
    lines += _stopped(order, tally)
    lines.append(problem or f"✓ Results saved to: {', '.join(map(str, saved))}")
    lines = [printable(text) for text in lines]
    return Ending(code=_code(counts, tally, problem), text="\n".join(lines), data=_data(order, tally, counts, saved))


def _code(counts: dict[str, int], tally: Tally, problem: str) -> int:
    if tally.stop == "failures" or tally.stop in HALTED:
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
        case "paused" | "cancelled":
            resumed = f"after `mcp-orchestrator batches resume {order.batch}` the same command goes on"
            return [f"✗ Stopped: the batch was {tally.stop}; {resumed}"]
        case "server":
            return [f"✗ Stopped: the server {order.server} ended. No run was failed for that; {again}"]
        case "signal":
            return [f"✗ Stopped by a signal; {again}"]
    return []


def _ignored(notes: list[str]) -> list[str]:
    return [f"  columns ignored: {'; '.join(notes)}"] if notes else []


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
