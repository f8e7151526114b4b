"""Pages of processes: each as a picture of its steps, with how they went."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from mcp_codegen.orchestrator.durable import workers
from mcp_codegen.orchestrator.service.dashboard import flow
from mcp_codegen.orchestrator.service.dashboard.routing import PageRoute
from mcp_codegen.orchestrator.service.dashboard.visiting import Visiting
from mcp_codegen.orchestrator.service.guard import Serving
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.words import ProcessName

routes = APIRouter(route_class=PageRoute, include_in_schema=False)


@routes.get("/ui/processes")
def all_processes(visit: Visiting, service: Serving) -> Response:
    """The processes that are served."""
    return visit.page("processes", processes=[_told(service, name) for name in sorted(service.processes)])


@routes.get("/ui/processes/{name}")
def one_process(name: ProcessName, visit: Visiting, service: Serving) -> Response:
    """One process, with what it takes."""
    schema = service.served(name).input_schema
    required = schema.get("required", ())
    fields = [(field, each, field in required) for field, each in schema.get("properties", {}).items()]
    return visit.page("process", process=_told(service, name), fields=[_field(*each) for each in fields])


def _told(service: Service, name: str) -> Mapping[str, Any]:
    served = service.served(name)
    return {
        "name": name,
        "title": served.process.title,
        "about": inspect.getdoc(served.process.body) or "",
        "mock": served.mock,
        "workers": len(workers.living(service.database, served.queue)),
        "flow": flow.draw(service, name),
    }


def _field(name: str, schema: Mapping[str, Any], required: bool) -> Mapping[str, Any]:
    """An input as people read it."""
    kinds = [str(each["type"]) for each in [schema, *schema.get("anyOf", ())] if "type" in each]
    examples = schema.get("examples", [])
    return {
        "name": name,
        "type": " | ".join(kinds) or "object",
        "required": required,
        "about": schema.get("description", ""),
        "example": examples[0] if examples else None,
    }
