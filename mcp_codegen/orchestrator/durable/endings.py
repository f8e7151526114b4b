"""How a batch went, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable import batch_ledger, exporting, transact
from mcp_codegen.orchestrator.durable.batching import Tally
from mcp_codegen.orchestrator.durable.order import Order
from mcp_codegen.orchestrator.durable.reporting import making
from mcp_codegen.orchestrator.durable.states import HALTED
from mcp_codegen.orchestrator.errors import ResultsError, printable
from mcp_codegen.orchestrator.summary import cut

EXIT_SUCCEEDED, EXIT_FAILED, EXIT_REJECTED, EXIT_STOPPED = 0, 1, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How it went."""

    code: int
    text: str
    data: dict[str, Any]

    def to_json(self) -> str:
        """The ending for programs."""
        return json.dumps(self.data, indent=2)


def rehearsed(order: Order, tally: Tally, notes: list[str]) -> Ending:
    """The ending of a batch whose file was read and checked, and no more."""
    told = f"{tally.rows} rows: {tally.new} to run, {tally.known} there already or equal, {tally.rejected} rejected"
    lines = [f"Batch {order.batch}, not started (--dry-run)", f"  {told}", *_rejected(order, tally), *ignored(notes)]
    code = EXIT_REJECTED if tally.rejected else EXIT_SUCCEEDED
    return Ending(code=code, text="\n".join(lines), data=_data(order, tally, {}, []))


def left(order: Order, kept: sa.Engine, tally: Tally) -> Ending:
    """The ending of a batch that is left to workers."""
    told = f"{tally.new} runs submitted, {tally.known} there already"
    lines = [f"Batch {order.batch}: {told}", *_rejected(order, tally), *_stopped(order, tally)]
    lines.append(f"  workers execute them; mcp-orchestrator batches show {order.batch}")
    code = EXIT_STOPPED if tally.stop in HALTED else EXIT_REJECTED if tally.rejected else EXIT_SUCCEEDED
    counts = batch_ledger.counts(kept, order.batch)
    return Ending(code=code, text="\n".join(map(printable, lines)), data=_data(order, tally, counts, []))


def of(order: Order, kept: sa.Engine, tally: Tally) -> Ending:
    """The ending of a batch that was waited for; its results and its report are saved."""
    if tally.read:
        batch_ledger.mark(kept, order.batch, "running", rejected=tally.rejected)  # the report tells of them
    counts = batch_ledger.counts(kept, order.batch)
    reasons = batch_ledger.failures(kept, order.batch)
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


def ignored(notes: list[str]) -> list[str]:
    """The line that tells of columns which no input has the name of, if there are any."""
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
