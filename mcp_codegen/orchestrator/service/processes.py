"""`/processes`: what can be run, and what it takes."""

from __future__ import annotations

import inspect
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from mcp_codegen.orchestrator.service.guard import GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import answers
from mcp_codegen.orchestrator.service.served import Served
from mcp_codegen.orchestrator.service.words import ProcessName

routes = APIRouter(tags=["processes"], route_class=GuardedRoute)


class ProcessView(BaseModel):
    """A process that the service runs."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    """JSON Schema of a run's `input`."""
    output_schema: dict[str, Any]
    """JSON Schema of a run's `output`."""


class Processes(BaseModel):
    """The processes that the service runs."""

    processes: list[ProcessView]


@routes.get("/processes", responses=answers(401, 403, 429), operation_id="list_processes")
async def list_processes(service: Serving) -> Processes:
    """The processes that can be run, with the JSON Schema of their inputs."""
    return Processes(processes=[_view(served) for served in service.processes.values()])


@routes.get("/processes/{name}", responses=answers(401, 403, 404, 429), operation_id="get_process")
async def get_process(name: ProcessName, service: Serving) -> ProcessView:
    """One process."""
    return _view(service.served(name))


def _view(served: Served) -> ProcessView:
    process = served.process
    return ProcessView(
        name=process.name,
        title=process.title,
        description=inspect.getdoc(process.body) or "",
        input_schema=dict(served.input_schema),
        output_schema=dict(served.output_schema),
    )
