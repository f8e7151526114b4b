"""Which request a run goes back to: kept in the database, since another process may execute the run."""

from __future__ import annotations

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.tables import insertion, origins, runs
from mcp_codegen.orchestrator.telemetry import tracing
from mcp_codegen.orchestrator.telemetry.tracing import Origin


def keep(connection: sa.Connection, database: sa.Engine, *, run_id: str = "", batch: str = "") -> None:
    """Keep the span that is open here as what a run, or each run of a batch, goes back to; nothing where none is."""
    traceparent = tracing.current()
    if traceparent is not None:
        values = {"run_id": run_id, "batch": batch, "traceparent": traceparent}
        connection.execute(insertion(database, origins).on_conflict_do_nothing(), [values])


def find(database: sa.Engine, run_id: str) -> Origin | None:
    """What a run goes back to; costs nothing where nothing is recorded."""
    if not tracing.recorded():
        return None
    batch = sa.select(runs.c.batch).where(runs.c.run_id == run_id).scalar_subquery()
    own = sa.and_(origins.c.run_id == run_id, origins.c.batch == "")
    shared = sa.and_(origins.c.run_id == "", origins.c.batch == batch)
    query = sa.select(origins).where(sa.or_(own, shared)).order_by(origins.c.run_id.desc()).limit(1)
    with database.connect() as connection:
        row = connection.execute(query).one_or_none()
    return Origin(row.traceparent, shared=not row.run_id) if row is not None else None
