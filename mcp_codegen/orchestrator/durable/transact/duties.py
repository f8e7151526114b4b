"""What the workers of a queue do for each other: the runs of the dead, and what waits for somebody to take it up.

The engine, run by oneself, recovers only what a process of the same name left. One of the workers, the eldest of a
version, does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import Any

import sqlalchemy as sa
from dbos import DBOS

from mcp_codegen.orchestrator.durable import batch_ledger, losses, workers
from mcp_codegen.orchestrator.durable.transact.engine import Places
from mcp_codegen.orchestrator.durable.transact.history import history
from mcp_codegen.orchestrator.durable.workers import Worker
from mcp_codegen.orchestrator.process import Process


def tending(database: sa.Engine, worker: Worker, process: Process[Any, Any, Any], places: Places) -> Callable[[], None]:
    """What a worker does with each sign of life, in a thread."""

    def lost(run_ids: Sequence[str]) -> None:
        losses.note(database, worker.queue, run_ids)
        places.alone = _suspects(database, worker)

    def tend() -> None:
        workers.bury(database, worker)
        living = workers.living(database, worker.queue)
        ours = [row.executor for row in living if row.version == worker.version]
        if ours[:1] == [worker.executor]:
            recover(database, worker, lost)
            if _leads(worker, {row.version for row in living}):
                with history(database) as kept:
                    if kept is not None:
                        kept.go_on(worker.queue, worker.version)
                        kept.give_up(process)
            batch_ledger.close_ended(database, worker.queue)
            losses.forget(database)
        places.alone = _suspects(database, worker)

    return tend


def inherit(database: sa.Engine, worker: Worker, places: Places) -> None:
    """Before the engine takes up what the last process of this name left when it died: note that it was lost."""
    with history(database) as kept:
        if kept is not None:
            losses.note(database, worker.queue, kept.held(worker))
    places.alone = _suspects(database, worker)


def _suspects(database: sa.Engine, worker: Worker) -> bool:
    """Whether a run that may end its process waits, or is in flight, anywhere."""
    if not (run_ids := losses.suspected(database, worker.queue)):
        return False
    with history(database) as kept:
        return kept is not None and kept.at_work(run_ids, worker.version)


def _leads(worker: Worker, living: Set[str]) -> bool:
    """Whether runs that no version has begun are this version's: it is the latest, or no worker of the latest lives."""
    latest = DBOS.get_latest_application_version()["version_name"]
    if latest != worker.version and latest not in living:
        DBOS.set_latest_application_version(worker.version)
        return True
    return latest == worker.version


def recover(database: sa.Engine, worker: Worker, lost: Callable[[Sequence[str]], None] = lambda run_ids: None) -> None:
    """Put the runs whose process is dead back into their queue; `lost` is told of them before.

    The engine counts how often that happens to a run. Who lives is asked after what is held: whoever enters and takes
    runs between the two is no dead process.
    """
    held = DBOS.list_workflows(
        status="PENDING", queue_name=worker.queue, app_version=worker.version, load_input=False, load_output=False
    )
    holders = {str(each.executor_id) for each in held}
    if holders and (dead := sorted(holders - workers.unburied(database, worker.queue))):
        lost([each.workflow_id for each in held if each.executor_id in dead])
        DBOS._recover_pending_workflows(dead)


def hand_back(database: sa.Engine, worker: Worker) -> None:
    """Put what this process holds back into the queue, once it has stopped working on it."""
    with history(database) as kept:
        if kept is not None:
            kept.hand_back(worker)
