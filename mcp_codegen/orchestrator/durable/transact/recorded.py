"""What runs had recorded when this process took them: before each of their steps the engine need not ask.

The engine looks before every step whether it has ended already and whether its run was cancelled, and has no setting
for that: two statements in a transaction of their own, an eighth (SQLite) to a fifth (PostgreSQL) of a run's processor
time (`make bench`, processes). Of a run that this process has just claimed, or has just recorded a step of, it knows
the first: nobody else records steps of it, since the engine lets only its owner, and whoever takes it over or cancels
it changes that. The second it takes for granted so long: a run that another process cancels may begin one more step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from dbos._context import current_owner_xid
from dbos._sys_db import SystemDatabase

from mcp_codegen.orchestrator.durable import database

logger = logging.getLogger(__name__)

SEEN_SECONDS = 1.0
"""How long a run is taken for this process's own after the database said so; as often the engine asks whether a step
that is in flight was cancelled."""
NOTHING = -1
"""Before the engine's first number of a step."""


@dataclass(slots=True)
class _Own:
    token: str | None
    """Of the claim: a run that was cancelled and resumed may be claimed again before what was begun first stops."""
    last: int
    """The highest number of those steps that had ended then."""
    seen: float
    """When the database last said that the run is this process's, by the monotonic clock."""


@dataclass(slots=True)
class Recorded:
    """The runs in flight in this process, and how far they were. What is asked of a run is asked from within it."""

    _runs: dict[str, _Own] = field(default_factory=dict)

    def claimed(self, run_ids: Sequence[str], token: str | None, seen: float, system: SystemDatabase) -> None:
        """Note runs that were claimed no earlier than at `seen`. What is raised has noted nothing."""
        outputs = system.tables.operation_outputs
        last = sa.select(outputs.c.workflow_uuid, sa.func.max(outputs.c.function_id))
        last = last.where(outputs.c.workflow_uuid.in_(run_ids)).group_by(outputs.c.workflow_uuid)
        with database.alone(system.engine) as connection:
            ended: dict[str, int] = dict(iter(connection.execute(last)))
        self._runs |= {run_id: _Own(token, ended.get(run_id, NOTHING), seen) for run_id in run_ids}

    def renew(self, run_id: str, seen: float) -> None:
        """Note that the run was still this process's: a step of it was recorded, no earlier than at `seen`."""
        if (own := self._found(run_id)) is not None:
            own.seen = max(own.seen, seen)

    def doubt(self, run_id: str) -> None:
        """Have the engine ask from now on, of a run that is about to be cancelled. May be asked from anywhere."""
        self._runs.pop(run_id, None)

    def forget(self, run_id: str) -> None:
        """Forget a run that is over here."""
        if self._found(run_id) is not None:
            self._runs.pop(run_id, None)

    def lacks(self, run_id: str, number: int) -> bool:
        """Whether it is known that the run goes on here, and that this step of it has not ended."""
        own = self._found(run_id)
        return own is not None and number > own.last and time.monotonic() - own.seen < SEEN_SECONDS

    def _found(self, run_id: str) -> _Own | None:
        own = self._runs.get(run_id)
        return own if own is not None and own.token == current_owner_xid(run_id) else None


def trust(instance: DBOS, recorded: Recorded) -> None:
    """Have the engine ask the database only for what is not known; it fills `recorded` as it claims runs."""
    system = instance._sys_db
    claim, look = system.start_queued_workflows, system.check_operation_execution

    def start_queued_workflows(*args: Any, owner_xid: str | None = None, **others: Any) -> Any:  # noqa: ANN401
        start = time.monotonic()
        run_ids, reason = claim(*args, owner_xid=owner_xid, **others)
        try:
            if run_ids:
                recorded.claimed(run_ids, owner_xid, start, system)
        except Exception:  # they are claimed, and have to start: the engine asks before each of their steps
            logger.debug("what claimed runs have recorded could not be read", exc_info=True)
        return run_ids, reason

    def check_operation_execution(
        workflow_id: str, function_id: int, function_name: str, *, owner_key: str | None = None
    ) -> Any:  # noqa: ANN401 - the engine's own
        if recorded.lacks(workflow_id, function_id):
            return None
        return look(workflow_id, function_id, function_name, owner_key=owner_key)

    system.start_queued_workflows = start_queued_workflows  # type: ignore[method-assign]
    system.check_operation_execution = check_operation_execution  # type: ignore[method-assign]
