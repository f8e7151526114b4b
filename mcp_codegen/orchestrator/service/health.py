"""`/healthz`: the service is alive; `/readyz`: it can do its work."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from mcp_codegen.orchestrator.durable import workers
from mcp_codegen.orchestrator.service.guard import GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import Complaint, Refusal, answers
from mcp_codegen.orchestrator.service.service import Service

SECONDS = 5.0

routes = APIRouter(tags=["health"], route_class=GuardedRoute)


class Alive(BaseModel):
    """The service answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The service can do its work."""

    status: Literal["ready"] = "ready"


@routes.get("/healthz", responses=answers(), operation_id="healthz")
async def healthz() -> Alive:
    """Whether the service is alive; asks nothing and nobody."""
    return Alive()


@routes.get("/readyz", responses=answers(503), operation_id="readyz")
async def readyz(service: Serving) -> Ready:
    """Whether the database can be asked, and somebody works on the queues."""
    try:
        async with asyncio.timeout(SECONDS):
            complaints = await asyncio.to_thread(_complaints, service)
    except TimeoutError:
        complaints = [Complaint(pointer="database", message=f"gave no answer within {SECONDS:g} seconds")]
    if complaints:
        raise Refusal(
            503, "the service is not ready", code="not_ready", errors=complaints, headers={"Retry-After": "5"}
        )
    return Ready()


def _complaints(service: Service) -> list[Complaint]:
    try:
        idle = [name for name, each in service.processes.items() if not workers.living(service.database, each.queue)]
    except SQLAlchemyError as error:
        return [Complaint(pointer="database", message=f"cannot be asked ({type(error).__name__})")]
    return [Complaint(pointer=f"workers/{name}", message="no worker is alive; runs wait") for name in idle]
