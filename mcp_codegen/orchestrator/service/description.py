"""`/openapi.json`: what FastAPI tells of the routes, and which of them need a key or a token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from mcp_codegen.orchestrator.service.guard import GuardedRoute
from mcp_codegen.orchestrator.service.problems import Problem
from mcp_codegen.orchestrator.service.roles import ROUTES

SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`mcp-orchestrator keys create`"},
    "token": {"type": "http", "scheme": "bearer", "description": "A key, or a token of the configured issuer"},
}
ABOUT = """Runs business processes durably: start runs and batches, watch them, and act on those that failed.

Errors are problem details (RFC 9457) with a `code` for programs and a `hint` for people.
"""

routes = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@routes.get("/openapi.json")
async def description(request: Request) -> JSONResponse:
    """The description, which is made once."""
    return JSONResponse(request.app.openapi())


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of an application's routes."""
    told = get_openapi(
        title="mcp-orchestrator", version=app.version, description=ABOUT, routes=app.routes, openapi_version="3.1.0"
    )
    told["components"]["securitySchemes"] = SCHEMES
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            role = ROUTES[method.upper(), path]
            operation["security"] = [{"key": []}, {"token": []}] if role else []
            if role:
                operation["description"] = f"{operation['description']}\n\nFor the role {role.value} and above."
    for name in ("HTTPValidationError", "ValidationError"):
        told["components"]["schemas"].pop(name, None)
    for model in (Problem,):  # what routes name by hand
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        told["components"]["schemas"] |= schema.pop("$defs", {}) | {model.__name__: schema}
    return told
