"""`/runs`: start runs, look at them, and act on them."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, JsonValue

from mcp_codegen.orchestrator.durable import ledger, lookup, steering
from mcp_codegen.orchestrator.durable.lookup import Status, Wanted
from mcp_codegen.orchestrator.durable.queues import Priority
from mcp_codegen.orchestrator.service import paging, showing, starting, views
from mcp_codegen.orchestrator.service.guard import Calling, GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import Refusal, answers
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.views import RunDetail, RunPage, RunView
from mcp_codegen.orchestrator.service.words import Cursor, Limit, Moment, Name, NewRunId, RunId, Word

routes = APIRouter(tags=["runs"], route_class=GuardedRoute)


class RunOrder(BaseModel):
    """A run to be."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid", strict=True)

    process: str
    """Its name."""
    input: dict[str, JsonValue]
    """What the process takes; GET /processes tells its schema."""
    priority: Priority = "normal"


@routes.put(
    "/runs/{run_id}",
    status_code=201,
    responses=answers(400, 401, 403, 404, 409, 429) | {200: {"model": RunView, "description": "It was started before"}},
    operation_id="start_run",
)
def start_run(run_id: NewRunId, order: RunOrder, service: Serving, response: Response) -> RunView:
    """Start a run under your own id. The same again is harmless; the id with another input is a conflict."""
    served = service.served(order.process)
    given = starting.checked(served.process, order.input)
    if not starting.start(service, served, run_id, given, order.priority):
        response.status_code = 200
    return _view(service, _found(service, run_id))


@routes.get("/runs", responses=answers(401, 403, 404, 429), operation_id="list_runs")
def list_runs(  # noqa: PLR0917 - FastAPI passes them by name
    service: Serving,
    process: Name = None,
    batch: Name = None,
    status: Annotated[Status | None, Query(description="How they ended; `unfinished` are those that have not.")] = None,
    error_code: Word = None,
    failed_step: Word = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> RunPage:
    """Runs, the latest first; those of a batch in the order of its file."""
    wanted = Wanted(
        process=process,
        batch=batch,
        status=status,
        error_code=error_code,
        failed_step=failed_step,
        since_ms=int(since.timestamp() * 1000) if since else None,
        until_ms=int(until.timestamp() * 1000) if until else None,
    )
    rows = lookup.page(service.database, wanted, after=paging.place(cursor), limit=limit)
    open_ones = [row.run_id for row in rows if row.status is None]
    states = service.history.states(open_ones) if open_ones else {}
    more = paging.write(*lookup.place(rows[-1], wanted)) if len(rows) == limit else None
    return RunPage(runs=[views.run(row, states.get(row.run_id)) for row in rows], next=more)


@routes.get("/runs/{run_id}", responses=answers(401, 403, 404, 429), operation_id="get_run")
def get_run(run_id: RunId, service: Serving, caller: Calling) -> RunDetail:
    """One run with its input, its output, and its steps with their attempts and errors."""
    return showing.detail(service, caller, _found(service, run_id))


@routes.post("/runs/{run_id}/cancel", responses=answers(401, 403, 404, 409, 429), operation_id="cancel_run")
def cancel_run(run_id: RunId, service: Serving) -> RunView:
    """Stop a run that has not ended; one in the middle of a step is stopped there."""
    _found(service, run_id)
    if not service.history.cancel([run_id]):
        raise _wrong_state(_found(service, run_id), "only runs that have not ended can be cancelled")
    return _view(service, _found(service, run_id))


@routes.post("/runs/{run_id}/resume", responses=answers(401, 403, 404, 409, 429), operation_id="resume_run")
def resume_run(run_id: RunId, service: Serving) -> RunView:
    """Put a cancelled run back into its queue: it goes on after the last step that it had finished."""
    row = _found(service, run_id)
    if not steering.resume_run(service.database, service.history, row) and row.status is not None:
        raise _wrong_state(row, "only cancelled runs can be resumed")
    return _view(service, _found(service, run_id))


@routes.post("/runs/{run_id}/retry", responses=answers(401, 403, 404, 409, 429), operation_id="retry_run")
def retry_run(run_id: RunId, service: Serving) -> RunView:
    """Put a failed or cancelled run back: it goes on with the step that failed, or anew where none did."""
    row = _found(service, run_id)
    if row.status in ("failed", "cancelled"):
        steering.retry(service.database, [row])
    elif row.status is not None:
        raise _wrong_state(row, "only failed and cancelled runs can be retried")
    return _view(service, _found(service, run_id))


def _found(service: Service, run_id: str) -> sa.Row[Any]:
    row = ledger.find_run(service.database, run_id)
    if row is None:
        raise Refusal(404, f"there is no run {run_id}", code="unknown_run", hint="GET /runs lists those that there are")
    return row


def _view(service: Service, row: sa.Row[Any]) -> RunView:
    state = service.history.states([row.run_id]).get(row.run_id) if row.status is None else None
    return views.run(row, state)


def _wrong_state(row: sa.Row[Any], detail: str) -> Refusal:
    return Refusal(
        409, f"the run {row.run_id} is {row.status}: {detail}", code="wrong_state", hint="GET it to see how it stands"
    )
