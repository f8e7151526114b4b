"""What a caller may see of runs: personal data for those whose role says so."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.record import RunRecord, StepRecord
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
        given, steps = _masked(service, row.process, given), masking.masked_steps(steps)
    return views.detail(row, state, given, None, steps)


def _masked(service: Service, process: str, given: JsonValue) -> JsonValue:
    """An input as it may be shown; nothing of it where nobody can say any more what in it is personal."""
    served = service.processes.get(process)
    if served is None:
        return masking.MASK
    masked: JsonValue = masking.masked_data(given, masking.names(served.process.input))
    return masked
