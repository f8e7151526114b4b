"""What people do with batches and runs while they go on, or after: pause, resume, cancel, retry, fork.

What is noted in the ledger comes first: who submits or starts runs looks there. A verb that was killed in the middle
is given again and does the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable import batch_ledger, ledger
from mcp_codegen.orchestrator.durable.states import HALTED, State
from mcp_codegen.orchestrator.durable.transact import History
from mcp_codegen.orchestrator.errors import UserError, shown


def pause(database: sa.Engine, history: History, batch: str) -> int:
    """Hold every run of a batch that waits for its turn, and have no more submitted; how many are held now.

    Those in flight go on to their end. Raises UserError where there is nothing to pause.
    """
    _halt(database, batch, "paused")
    held = 0
    for page in batch_ledger.unended(database, batch):
        history.hold(page)
        held += sum(state == "held" for state in history.states(page).values())
    return held


def cancel(database: sa.Engine, history: History, batch: str) -> int:
    """Cancel every run of a batch that has not ended, those in flight at their step; how many they were.

    Raises UserError where there is nothing to cancel.
    """
    _halt(database, batch, "cancelled")
    cancelled = 0
    before = batch_ledger.cancelled(database, batch)
    for page in batch_ledger.unended(database, batch):
        cancelled += len(history.cancel(page))
    history.cancel(before)  # the verb may have been killed between the ledger and the engine
    return cancelled


def resume(database: sa.Engine, history: History, batch: str) -> int:
    """Put back what a pause held, or what was cancelled in the batch; how many. Raises UserError."""
    state = _state(database, batch)
    if state not in HALTED:
        raise UserError(f"the batch {shown(batch)} is {state}, and not paused", hint="only a halted one is resumed")
    if state == "cancelled":
        for run_id in batch_ledger.cancelled(database, batch):
            ledger.reopen(database, run_id)
    released = sum(history.release(batch, queue) for queue in batch_ledger.queues(database, batch))
    batch_ledger.resume(database, batch)
    return released


def resume_run(database: sa.Engine, history: History, run: sa.Row[Any]) -> bool:
    """Put a cancelled run back; with a halted batch it waits for the batch. False where it is not cancelled.

    One that is open in the ledger, and not in the engine, was put back by a verb that was killed: this does the rest.
    """
    is_held = run.status is None and run.again_from is None and history.states([run.run_id]) == {run.run_id: "held"}
    if run.status != "cancelled" and not is_held:
        return False
    if run.batch is not None and _state(database, run.batch) in HALTED:
        ledger.reopen(database, run.run_id)
    else:
        history.resume(run.run_id)
    return True


def retry(database: sa.Engine, runs: Sequence[sa.Row[Any]]) -> list[str]:
    """Have failed and cancelled runs go on with the step that failed, or anew where none did; which of them do."""
    chosen = [run for run in runs if run.status in ("failed", "cancelled")]
    for run in chosen:
        ledger.reopen(database, run.run_id, run.failed_step or "")
    return [run.run_id for run in chosen]


def fork(database: sa.Engine, history: History, run: sa.Row[Any], step: str) -> str:
    """Note a new run that takes over what a run did before a step, and give its id. Raises UserError."""
    if run.status is None:
        raise UserError(f"the run {shown(run.run_id)} has not ended", hint="wait for it, or cancel it first")
    known = [each.key for each in history.steps(run.run_id)]
    if step not in known:
        raise UserError(
            f"the run {shown(run.run_id)} has not come to a step {shown(step)}",
            hint=f"it has: {', '.join(known) or 'none'}",
        )
    return ledger.fork(database, run, step)


def _halt(database: sa.Engine, batch: str, state: State) -> None:
    if not batch_ledger.mark(database, batch, state):
        present = _state(database, batch)
        raise UserError(f"the batch {shown(batch)} is {present}: it cannot be {state}")


def _state(database: sa.Engine, batch: str) -> State:
    state = batch_ledger.state(database, batch)
    if state is None:
        raise UserError(
            f"there is no batch {shown(batch)}", hint="`mcp-orchestrator batches list` shows those that are"
        )
    return state
