"""What a caller may see of runs: personal data for those whose role says so."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.durable import ledger
from mcp_codegen.orchestrator.record import RunRecord
from mcp_codegen.orchestrator.service import views
from mcp_codegen.orchestrator.service.access import Caller
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.views import RunDetail


def record(caller: Caller, kept: RunRecord) -> RunRecord:
    """A run as the caller may see it."""
    return kept if caller.sees_personal_data else masking.masked(kept)


def detail(service: Service, caller: Caller, row: sa.Row[Any]) -> RunDetail:
    """One run with everything that the caller may see of it."""
    run_id = row.run_id
    if row.status is not None and (kept := service.history.records([run_id]).get(run_id)) is not None:
        return views.detail(row, None, None, record(caller, kept), ())
    state = service.history.states([run_id]).get(run_id)
    given, steps = service.history.given(run_id), service.history.steps(run_id)
    if not caller.sees_personal_data:
        personal = ledger.personal(service.database, row.process)
        steps = masking.masked_steps(steps, given, personal)
        given = masking.masked_data(given, personal)
    return views.detail(row, state, given, None, steps)
