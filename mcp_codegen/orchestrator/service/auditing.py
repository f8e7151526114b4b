"""`/audit`: the audit log, for admins."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from mcp_codegen.orchestrator.service import audit, paging
from mcp_codegen.orchestrator.service.guard import GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import answers
from mcp_codegen.orchestrator.service.words import Cursor, Limit

routes = APIRouter(tags=["audit"], route_class=GuardedRoute)


class EntryView(BaseModel):
    """Something that somebody did or tried."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    time: datetime
    caller: str
    """`key:NAME`, `user:SUBJECT`, `local`; empty for who could not be told."""
    role: str
    address: str
    action: str
    """A method and a route, or a verb of the command line."""
    target: str
    status: int
    """HTTP's; 0 for the command line."""
    request_id: str
    unwritten: int
    """How many refusals before it were only counted."""


class AuditPage(BaseModel):
    """Entries, the latest first."""

    entries: list[EntryView]
    next: str | None


@routes.get("/audit", responses=answers(401, 403, 429), operation_id="list_audit")
def list_audit(service: Serving, limit: Limit = 100, cursor: Cursor = None) -> AuditPage:
    """Who did what, and who was refused; the latest first."""
    place = paging.read(cursor, int)
    before = int(place[0]) if place else None
    rows = audit.entries(service.database, before=before, limit=limit)
    views = [
        EntryView(
            time=paging.moment(row.time_ms),
            caller=row.caller,
            role=row.role,
            address=row.address,
            action=row.action,
            target=row.target,
            status=row.status,
            request_id=row.request_id,
            unwritten=row.unwritten,
        )
        for row in rows
    ]
    return AuditPage(entries=views, next=paging.write(rows[-1].entry) if len(rows) == limit else None)
