"""How the engine records a step: in one statement, where that is all there is to it.

The engine's own way is a transaction of two statements, made anew each time and, on PostgreSQL, sent in four messages:
with three steps, a fifth of a run's processor time (`make bench`, processes). It has no setting for that.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from dbos._context import current_owner_xid
from dbos._sys_db import SystemDatabase
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable import database


def shorten(instance: DBOS) -> None:
    """Have the engine record a step in one statement. Where that does not do it, it goes its own way, and tells why."""
    system = instance._sys_db
    record, statement = system.record_operation_result, _record(system)

    def recorded(result: Any, token: str, completed_at: int) -> bool:  # noqa: ANN401 - the engine's own
        try:
            with database.alone(system.engine) as connection:
                values = {**result, "token": token, "completed_at": completed_at}
                return connection.execute(statement, values).scalar() == completed_at
        except SQLAlchemyError:  # the engine tries again what may be tried again
            return False

    def record_operation_result(result: Any, **others: Any) -> None:  # noqa: ANN401 - the engine's own
        if not others and (token := current_owner_xid(result["workflow_uuid"])) is not None:
            others["completed_at_epoch_ms"] = int(time.time() * 1000)  # by which it knows a second try
            if recorded(result, token, others["completed_at_epoch_ms"]):
                return
        record(result, **others)

    system.record_operation_result = record_operation_result  # type: ignore[method-assign]


def _record(system: SystemDatabase) -> sa.Executable:
    """Adds a step's row if the run is still its owner's, and nobody else's until it is added; as the engine's two do.

    Returns when the step was completed: another time than was given, if the step has been recorded before.
    """
    runs, steps = system.tables.workflow_status, system.tables.operation_outputs
    given = ("function_id", "function_name", "output", "error", "child_workflow_id", "started_at_epoch_ms")
    row: dict[str, sa.ColumnElement[Any]] = {
        **{name: sa.bindparam(name, type_=steps.c[name].type) for name in (*given, "serialization")},
        "workflow_uuid": runs.c.workflow_uuid,
        "completed_at_epoch_ms": sa.bindparam("completed_at", type_=steps.c.completed_at_epoch_ms.type),
        "application_name": sa.literal(system.app_name, steps.c.application_name.type),
        "retention_timestamp": system._now_ms_sql(),
    }
    own = sa.and_(runs.c.workflow_uuid == sa.bindparam("workflow_uuid"), runs.c.owner_xid == sa.bindparam("token"))
    insert = system.dialect.insert(steps)
    statement: sa.Executable = (
        insert.from_select(list(row), sa.select(*row.values()).where(own).with_for_update(key_share=True))
        .on_conflict_do_update(
            index_elements=[steps.c.workflow_uuid, steps.c.function_id],
            set_={"completed_at_epoch_ms": steps.c.completed_at_epoch_ms},
        )
        .returning(steps.c.completed_at_epoch_ms)
    )
    return statement
