"""`/batches`: submit many runs at once, look at them, and act on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from mcp_codegen.orchestrator.durable import batch_ledger, lookup, steering
from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.service import paging, results, submitting, views
from mcp_codegen.orchestrator.service.guard import Calling, GuardedRoute, Serving
from mcp_codegen.orchestrator.service.intake import Order
from mcp_codegen.orchestrator.service.problems import Refusal, answers
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.views import BatchDetail, BatchPage
from mcp_codegen.orchestrator.service.words import BatchName, Cursor, Limit, Name

routes = APIRouter(tags=["batches"], route_class=GuardedRoute)

State = Annotated[
    Literal["running", "submitted", "stopped", "paused", "cancelled", "ended"] | None,
    Query(description="Those that are in it."),
]
ACTED = answers(401, 403, 404, 409, 429)


@routes.post(
    "/batches",
    status_code=202,
    response_model=BatchDetail,
    responses=answers(400, 401, 403, 404, 409, 413, 415, 429),
    openapi_extra={"requestBody": submitting.BODY},
    operation_id="submit_batch",
)
async def submit_batch(request: Request, service: Serving) -> JSONResponse:
    """Submit a batch: rows as JSON, or an uploaded CSV, JSONL or JSON file. Each row is a run, once in its batch.

    It is accepted once it is on disk; rows that do not fit are rejected, and told at `/batches/{batch}/rejects`.
    Submitting the same rows again under the same name runs only those that are new.
    """
    order = await submitting.received(request, service)
    told = await run_in_threadpool(_accepted, service, order)
    return JSONResponse(told.model_dump(mode="json"), 202, {"Location": f"/batches/{order.batch}"})


@routes.get("/batches", responses=answers(401, 403, 404, 429), operation_id="list_batches")
def list_batches(
    service: Serving, process: Name = None, state: State = None, limit: Limit = 100, cursor: Cursor = None
) -> BatchPage:
    """Batches, the latest first."""
    after = paging.place(cursor)
    rows = lookup.page_of_batches(service.database, process=process, state=state, after=after, limit=limit)
    counted = lookup.counts(service.database, [row.batch for row in rows])
    more = paging.write(rows[-1].created_ms, rows[-1].batch) if len(rows) == limit else None
    return BatchPage(batches=[views.batch(row, counted[row.batch]) for row in rows], next=more)


@routes.get("/batches/{batch}", responses=answers(401, 403, 404, 429), operation_id="get_batch")
def get_batch(batch: BatchName, service: Serving) -> BatchDetail:
    """One batch with its most frequent failures."""
    return _detail(service, _found(service, batch))


@routes.post("/batches/{batch}/pause", responses=ACTED, operation_id="pause_batch")
def pause_batch(batch: BatchName, service: Serving) -> BatchDetail:
    """Start no more runs of a batch; those in flight go on to their end."""
    if _found(service, batch).state != "paused":
        _acted(lambda: steering.pause(service.database, service.history, batch))
    return _detail(service, _found(service, batch))


@routes.post("/batches/{batch}/resume", responses=ACTED, operation_id="resume_batch")
def resume_batch(batch: BatchName, service: Serving) -> BatchDetail:
    """Go on with a paused or cancelled batch."""
    _found(service, batch)
    _acted(lambda: steering.resume(service.database, service.history, batch))
    service.intake.go_on(batch)
    return _detail(service, _found(service, batch))


@routes.post("/batches/{batch}/cancel", responses=ACTED, operation_id="cancel_batch")
def cancel_batch(batch: BatchName, service: Serving) -> BatchDetail:
    """Cancel every run of a batch that has not ended."""
    if _found(service, batch).state != "cancelled":
        _acted(lambda: steering.cancel(service.database, service.history, batch))
    return _detail(service, _found(service, batch))


@routes.post("/batches/{batch}/retry-failed", responses=ACTED, operation_id="retry_failed")
def retry_failed(batch: BatchName, service: Serving) -> BatchDetail:
    """Put the failed runs of a batch back: each goes on with the step that failed."""
    _found(service, batch)
    for page in batch_ledger.pages(service.database, batch):
        steering.retry(service.database, [row for row in page if row.status == "failed"])
    return _detail(service, _found(service, batch))


@routes.get(
    "/batches/{batch}/results",
    response_class=StreamingResponse,
    responses=answers(401, 403, 404, 429)
    | {200: {"description": "The runs that have ended", "content": results.CONTENT}},
    operation_id="download_results",
)
def download_results(
    batch: BatchName,
    service: Serving,
    caller: Calling,
    request: Request,
    format: Annotated[results.Format, Query(description="What to download.")] = "jsonl",
) -> StreamingResponse:
    """The runs of a batch that have ended, in the order of its file: input, output and steps of each."""
    row = _found(service, batch)
    request.state.noteworthy = caller.sees_personal_data
    stream = results.stream(service, caller, row, format)
    name = f'attachment; filename="{batch}.{format}"'
    return StreamingResponse(stream, media_type=results.TYPES[format], headers={"Content-Disposition": name})


@routes.get(
    "/batches/{batch}/rejects",
    response_class=Response,
    responses=answers(401, 403, 404, 429)
    | {200: {"description": "Row, reason, input", "content": {"text/csv": {"schema": {"type": "string"}}}}},
    operation_id="download_rejects",
)
def download_rejects(batch: BatchName, service: Serving, request: Request) -> Response:
    """The rows of a batch's file that did not fit the process's input, as CSV, each with the reason."""
    _found(service, batch)
    request.state.noteworthy = True
    path = service.intake.rejects(batch)
    if not path.is_file():
        return Response("row,reason,input\r\n", media_type="text/csv")
    return FileResponse(path, media_type="text/csv", filename=path.name)


def _accepted(service: Service, order: Order) -> BatchDetail:
    submitting.accept(service, order)
    return _detail(service, _found(service, order.batch))


def _found(service: Service, batch: str) -> sa.Row[Any]:
    rows = batch_ledger.find(service.database, batch)
    if not rows:
        hint = "GET /batches lists those that there are"
        raise Refusal(404, f"there is no batch {batch}", code="unknown_batch", hint=hint)
    return rows[0]


def _detail(service: Service, row: sa.Row[Any]) -> BatchDetail:
    counted = batch_ledger.counts(service.database, row.batch)
    failures = batch_ledger.failures(service.database, row.batch) if counted.get("failed") else []
    return views.batch_detail(row, counted, failures)


def _acted(act: Callable[[], int]) -> None:
    try:
        act()
    except UserError as error:
        raise Refusal(409, error.message, code="wrong_state", hint=error.hint) from error
