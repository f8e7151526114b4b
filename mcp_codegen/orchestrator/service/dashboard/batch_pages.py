"""Pages of batches: start one from a file, watch it, halt it, have what failed done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mcp_codegen.orchestrator import inputs
from mcp_codegen.orchestrator.durable import batch_ledger
from mcp_codegen.orchestrator.service import batches, runs, submitting
from mcp_codegen.orchestrator.service.dashboard.routing import PageRoute
from mcp_codegen.orchestrator.service.dashboard.visiting import OwnForm, Visiting
from mcp_codegen.orchestrator.service.guard import Serving
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.views import BatchDetail
from mcp_codegen.orchestrator.service.words import BatchName, Cursor

PAGE = 25
SHOWN = 12
"""Runs on a batch's page."""
FORM_FIELDS = ("form_token",)

Action = Literal["pause", "resume", "cancel", "retry-failed"]
ACTIONS: dict[str, Callable[[str, Service], BatchDetail]] = {
    "pause": batches.pause_batch,
    "resume": batches.resume_batch,
    "cancel": batches.cancel_batch,
    "retry-failed": batches.retry_failed,
}

routes = APIRouter(route_class=PageRoute, include_in_schema=False)


@routes.get("/ui/batches")
def all_batches(visit: Visiting, service: Serving, cursor: Cursor = None) -> Response:
    """Batches, the latest first."""
    found = batches.list_batches(service, limit=PAGE, cursor=cursor)
    return visit.page("batches", batches=found.batches, next=found.next, first=cursor is None)


@routes.get("/ui/start")
def starting(visit: Visiting, service: Serving, process: Annotated[str, Query(max_length=64)] = "") -> Response:
    """The form that starts a batch."""
    columns = {name: sorted(inputs.known(each.process.input) or ()) for name, each in service.processes.items()}
    served = {name: each.process for name, each in sorted(service.processes.items())}
    return visit.page("start", processes=served, columns=columns, chosen=process)


@routes.post("/ui/batches", dependencies=[OwnForm])
async def start_batch(request: Request, visit: Visiting, service: Serving) -> Response:
    """Start a batch as the API does, and show it."""
    order = await submitting.received(request, service, beside=FORM_FIELDS)
    await run_in_threadpool(submitting.accept, service, order)
    return visit.go(f"/ui/batches/{order.batch}")


@routes.get("/ui/batches/{batch}")
def one_batch(
    batch: BatchName,
    visit: Visiting,
    service: Serving,
    done: Annotated[Literal["", Action], Query()] = "",
) -> Response:
    """One batch."""
    told = batches.get_batch(batch, service)
    return visit.page(
        "batch",
        batch=told,
        done=done,
        failed=runs.list_runs(service, batch=batch, status="failed", limit=SHOWN).runs,
        latest=runs.list_runs(service, batch=batch, limit=SHOWN).runs,
        actions=_possible(told) if visit.may("operator") else [],
        mock=any(row.mock for row in batch_ledger.find(service.database, batch)),
    )


@routes.post("/ui/batches/{batch}/{action}", dependencies=[OwnForm])
def act_on_batch(batch: BatchName, action: Action, visit: Visiting, service: Serving) -> Response:
    """Do it as the API does, and show how the batch is then."""
    ACTIONS[action](batch, service)
    return visit.go(f"/ui/batches/{batch}?done={action}")


def _possible(batch: BatchDetail) -> list[Action]:
    """What may be done with a batch as it is."""
    halted = batch.state in ("paused", "cancelled")
    found: list[Action] = ["resume"] if halted else []
    if batch.state in ("running", "submitted", "stopped"):
        found += ["pause"]
    if batch.runs.get("failed") and not halted:
        found += ["retry-failed"]
    return found + (["cancel"] if batch.state in ("running", "submitted", "stopped", "paused") else [])
