"""Pages of runs: all that are looked for, one with its timeline, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from mcp_codegen.orchestrator.durable.lookup import Status
from mcp_codegen.orchestrator.service import runs
from mcp_codegen.orchestrator.service.dashboard import timeline
from mcp_codegen.orchestrator.service.dashboard.routing import PageRoute
from mcp_codegen.orchestrator.service.dashboard.visiting import OwnForm, Visiting
from mcp_codegen.orchestrator.service.guard import Calling, Serving
from mcp_codegen.orchestrator.service.views import RunView
from mcp_codegen.orchestrator.service.words import Cursor, RunId

PAGE = 50
ACTIONS: dict[str, Callable[..., RunView]] = {
    "cancel": runs.cancel_run,
    "resume": runs.resume_run,
    "retry": runs.retry_run,
}
POSSIBLE = {
    "queued": ("cancel",),
    "running": ("cancel",),
    "held": ("cancel",),
    "failed": ("retry",),
    "cancelled": ("resume", "retry"),
}
"""What may be done with a run in each state."""

routes = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(pattern=r"^[A-Za-z0-9_.-]*$", max_length=100)]
Done = Annotated[Literal["", "cancel", "resume", "retry"], Query()]


@routes.get("/ui/runs")
def all_runs(  # noqa: PLR0917 - FastAPI passes them by name
    visit: Visiting,
    service: Serving,
    process: Text = "",
    batch: Text = "",
    status: Annotated[Literal["", Status], Query()] = "",
    error_code: Text = "",
    failed_step: Text = "",
    cursor: Cursor = None,
) -> Response:
    """Runs, by what is looked for; a form sends empty fields for what is not."""
    asked = {
        "process": process,
        "batch": batch,
        "status": status,
        "error_code": error_code,
        "failed_step": failed_step,
    }
    wanted: dict[str, Any] = {name: value for name, value in asked.items() if value}
    found = runs.list_runs(service, **wanted, limit=PAGE, cursor=cursor)
    more = urlencode(wanted | {"cursor": found.next}) if found.next else None
    return visit.page(
        "runs",
        runs=found.runs,
        asked=asked,
        wanted=wanted,
        first=cursor is None,
        start=urlencode(wanted),
        more=more,
        processes=sorted(service.processes),
        statuses=get_args(Status),
    )


@routes.get("/ui/runs/{run_id}")
def one_run(run_id: RunId, visit: Visiting, service: Serving, caller: Calling, done: Done = "") -> Response:
    """One run."""
    run = runs.get_run(run_id, service, caller)
    failed = next((step for step in reversed(run.steps) if step["error"] and step["key"] == run.failed_step), None)
    return visit.page(
        "run",
        run=run,
        done=done,
        error=failed["error"] if failed else None,
        drawn=timeline.draw(run.steps, run.ended_at),
        actions=POSSIBLE.get(run.status, ()) if visit.may("operator") else (),
        masked=not caller.sees_personal_data,
    )


@routes.post("/ui/runs/{run_id}/{action}", dependencies=[OwnForm])
def act_on_run(
    run_id: RunId, action: Literal["cancel", "resume", "retry"], visit: Visiting, service: Serving
) -> Response:
    """Do it as the API does, and show how the run is then."""
    ACTIONS[action](run_id, service)
    return visit.go(f"/ui/runs/{run_id}?done={action}")
