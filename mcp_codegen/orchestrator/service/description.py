"""`/openapi.json`: what FastAPI tells of the routes; who may call them; and what each process takes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from mcp_codegen.orchestrator import inputs
from mcp_codegen.orchestrator.process import Process
from mcp_codegen.orchestrator.service.guard import GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import Problem
from mcp_codegen.orchestrator.service.roles import ROUTES
from mcp_codegen.orchestrator.service.runs import RunOrder
from mcp_codegen.orchestrator.service.submitting import BatchForm, BatchOrder

SCHEMAS = "#/components/schemas/"
SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`mcp-orchestrator keys create`"},
    "token": {"type": "http", "scheme": "bearer", "description": "A key, or a token of the configured issuer"},
}
ABOUT = """Runs business processes durably: start runs and batches, watch them, and act on those that failed.

Errors are problem details (RFC 9457) with a `code` for programs and a `hint` for people.
"""

Schema = dict[str, Any]

routes = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@routes.get("/openapi.json")
async def description(request: Request, service: Serving) -> JSONResponse:
    """The description; it says that nothing need be shown, as long as that is so."""
    told: Schema = request.app.openapi()
    otherwise = service.access.otherwise
    if otherwise is not None and await otherwise(request) is not None:
        told = copy.deepcopy(told)
        for operation in (each for operations in told["paths"].values() for each in operations.values()):
            operation["security"] = [*operation["security"], {}] if operation["security"] else []
    return JSONResponse(told)


def describe(app: FastAPI, processes: Iterable[Process[Any, Any, Any]]) -> Schema:
    """The description of an application's routes, for these processes."""
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
    schemas: Schema = told["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= _schemas(Problem, "")
    for process in processes:
        schemas |= _of_process(process)
    for model in (RunOrder, BatchOrder, BatchForm):
        schemas |= _by_process(model, [process.name for process in processes])
    return told


def _of_process(process: Process[Any, Any, Any]) -> Schema:
    """A process's input, and what a run and a batch of it are ordered with."""
    prefix, names = f"{process.name}.", inputs.known(process.input)
    schemas = _schemas(process.input, prefix, "input")
    if names is not None:
        schemas[f"{prefix}input"]["additionalProperties"] = False
        _leave_secrets_out(schemas[f"{prefix}input"])
    for model in (RunOrder, BatchOrder, BatchForm):
        schemas |= _schemas(model, prefix)
        properties: Schema = schemas[prefix + model.__name__]["properties"]
        properties["process"] = {"const": process.name, "type": "string"}
        if "input" in properties:
            properties["input"] = {"$ref": f"{SCHEMAS}{prefix}input"}
        if "key" in properties and names is not None:
            properties["key"]["items"] = {"type": "string", "enum": sorted(names)}
    return schemas


def _leave_secrets_out(schema: Schema) -> None:
    """The database would hold them in clear: they are refused as inputs of durable runs."""
    for name, member in list(schema.get("properties", {}).items()):
        kinds = [member, *member.get("anyOf", [])]
        if name not in schema.get("required", ()) and any(kind.get("format") == "password" for kind in kinds):
            del schema["properties"][name]


def _by_process(model: type[BaseModel], processes: Iterable[str]) -> Mapping[str, Schema]:
    refs = {name: f"{SCHEMAS}{name}.{model.__name__}" for name in processes}
    choice = {"oneOf": [{"$ref": ref} for ref in refs.values()]}
    return {model.__name__: choice | {"discriminator": {"propertyName": "process", "mapping": refs}}}


def _schemas(model: type[BaseModel], prefix: str, name: str = "") -> Schema:
    """A model and what it holds, under names that no other process's have."""
    schema = model.model_json_schema(ref_template=f"{SCHEMAS}{prefix}{{model}}")
    inner = {prefix + key: value for key, value in schema.pop("$defs", {}).items()}
    return inner | {prefix + (name or model.__name__): schema}
