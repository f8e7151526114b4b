"""The verb `batch`: from words to an exit code."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator import runner
from mcp_codegen.orchestrator.durable import (
    accepting,
    batch_ledger,
    batching,
    database,
    economy,
    endings,
    exporting,
    ledger,
    limiting,
    tables,
    telling,
    transact,
    workers,
)
from mcp_codegen.orchestrator.durable.batching import Tally
from mcp_codegen.orchestrator.durable.endings import Ending
from mcp_codegen.orchestrator.durable.order import Order, check
from mcp_codegen.orchestrator.durable.states import State
from mcp_codegen.orchestrator.errors import ResultsError, UserError, describe
from mcp_codegen.orchestrator.summary import error_text

logger = logging.getLogger(__name__)


def rehearse(order: Order, where: str) -> Ending:
    """Read and check the whole file; nothing runs, and no database is made."""
    tally = Tally()
    notes = accepting.check_columns(order.process.input, order.file, order.key)
    ids = set[str]()
    with exporting.rejects(order.results) as reject:
        for row in _accepted(order, reject, tally):
            ids.add(row.run_id)
    there = _there(where, order.batch)
    fresh = len(ids - there)
    tally.read, tally.new, tally.known = True, fresh, tally.rows - tally.rejected - fresh
    return endings.rehearsed(order, tally, notes)


def _accepted(order: Order, reject: accepting.Reject, tally: Tally) -> Iterator[ledger.Row]:
    model = order.process.input
    return accepting.accepted(model, order.file, order.batch, order.key, reject=reject, tally=tally)


def _there(where: str, batch: str) -> set[str]:
    try:
        kept = database.connect(where, create=False)
    except UserError:
        return set()
    if not sa.inspect(kept).has_table(tables.runs.name):
        return set()
    return {row.run_id for page in batch_ledger.pages(kept, batch) for row in page}


async def execute(order: Order, kept: sa.Engine, console: Console) -> Ending:
    """Run the batch, or go on with it. Raises UserError before anything has started."""
    notes = accepting.check_columns(order.process.input, order.file, order.key)
    ledger.prepare(kept)
    transact.prepare(kept)
    tally = Tally()
    with database.reserved(kept, order.batch):
        check(order, kept)
        batch = batching.Batch(kept, order.batch, order.limits, tally, priority=order.priority)
        batch_ledger.mark(kept, order.batch, "running")
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
                    batch_ledger.mark(kept, order.batch, "stopped")
                    raise
                logger.debug("the batch failed", exc_info=True)
                told = error if isinstance(error, ResultsError) else database.failure(error)
                failure = error_text(describe(told or runner.connection_failure(order.server, error)))
                failure += f"\n  {told.hint}" if told else ""
                ending = Ending(code=endings.EXIT_FAILED, text="", data={})
        ended: State = "submitted" if order.mode == "submit" else "ended"
        state: State = ended if tally.stop is None and failure is None else "stopped"
        with suppress(SQLAlchemyError) if failure else nullcontext():  # it may be the database that failed
            batch_ledger.mark(kept, order.batch, state, rejected=tally.rejected if tally.read else None)
    if failure is not None:
        text = f"✗ Batch {order.batch} was not run to its end: {failure}"
        return Ending(code=endings.EXIT_FAILED, text=text, data={"batch": order.batch, "error": failure})
    code = runner.EXIT_SIGNAL + received[0] if received and tally.stop == "signal" else ending.code
    return Ending(code=code, text="\n".join([ending.text, *endings.ignored(notes)]), data=ending.data)


async def _submitted(
    order: Order, kept: sa.Engine, batch: batching.Batch, entries: Iterator[ledger.Row], console: Console
) -> Ending:
    with transact.submitting(kept, order.process.name, order.queue) as submitter:
        _release(order, kept)
        if order.mode == "submit":
            await batch.submit(submitter, entries)
            return endings.left(order, kept, batch.tally)
        if order.mode == "wait":
            if not workers.living(kept, order.queue):
                command = f"mcp-orchestrator worker {order.process.name}.py --database …"
                console.print(f"no worker of {order.process.name} is there yet: {command}", soft_wrap=True)
            with telling.shown(console, batch.tally, order.file):
                await batch.drive(submitter, entries)
            return endings.of(order, kept, batch.tally)
        opening = runner.connected(order.process, order.server, order.mock)
        async with opening as client, economy.kept(), _engine(order, kept, batch, client) as engine:
            with telling.shown(console, batch.tally, order.file):
                await batch.drive(submitter, entries, engine)
            return await asyncio.to_thread(endings.of, order, kept, batch.tally)


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
