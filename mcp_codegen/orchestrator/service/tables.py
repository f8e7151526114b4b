"""The service's own tables, beside those of runs and batches."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable import ledger, tables
from mcp_codegen.orchestrator.errors import OrchestratorError
from mcp_codegen.orchestrator.service import audit, keys


def prepare(database: sa.Engine) -> None:
    """Make the tables that are missing. Raises OrchestratorError."""
    ledger.prepare(database)
    try:
        tables.make(database, keys.metadata, audit.metadata)
    except SQLAlchemyError as error:
        raise OrchestratorError(
            f"the database's tables cannot be made ({type(error).__name__})",
            code="database",
            hint="the user needs the right to create tables",
        ) from error
