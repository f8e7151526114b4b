"""The application: routes, and what stands around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.routing import compile_path

from mcp_codegen.orchestrator.service import (
    auditing,
    batches,
    description,
    events,
    health,
    metrics,
    pages,
    problems,
    processes,
    runs,
    webhooks,
)
from mcp_codegen.orchestrator.service.dashboard import batch_pages, entering, overview, process_pages, run_pages
from mcp_codegen.orchestrator.service.dashboard.rendering import Pages
from mcp_codegen.orchestrator.service.guard import GuardedRoute
from mcp_codegen.orchestrator.service.limits import RequestLimits
from mcp_codegen.orchestrator.service.roles import ROUTES
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.shield import Shield

TELEMETRY: TelemetryConfig = {"logs": False, "operation_spans": False, "auto_configure": False}
"""A span and a duration for each request; its logs would hold texts of errors."""

ROUTERS: tuple[APIRouter, ...] = (
    runs.routes,  # they are asked in this order: those that programs call all the time stand first
    batches.routes,
    processes.routes,
    events.routes,
    health.routes,
    metrics.routes,
    description.routes,
    pages.routes,
    auditing.routes,
    webhooks.routes,
    entering.routes,
    overview.routes,
    batch_pages.routes,
    run_pages.routes,
    process_pages.routes,
)


def create(service: Service, *, hosts: Sequence[str] = ()) -> FastAPI:
    """The application over a service. `hosts` are the names by which it may be called; none allows any.

    Raises RuntimeError for a route without a role: a mistake of who wrote it, which no caller shall find first.
    """
    app = FastAPI(
        version=version("mcp-codegen"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    app.state.service = service
    app.state.pages = Pages(app.version)
    for router in ROUTERS:
        app.include_router(router)
    pages.mount(app)
    problems.install(app, _methods)
    app.add_middleware(RequestLimits, limits=service.limits)
    app.add_middleware(Shield, audit=service.audit, hosts=hosts)  # the last one is the outermost
    _check(ROUTERS)
    told = description.describe(app, [served.process for served in service.processes.values()])
    app.openapi = lambda: told  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _check(routers: Iterable[APIRouter]) -> None:
    routes = [route for router in routers for route in router.routes]
    unguarded = [route for route in routes if not isinstance(route, GuardedRoute)]
    guarded = {
        (method, route.path) for route in routes if isinstance(route, GuardedRoute) for method in route.methods or ()
    }
    if unguarded or guarded ^ ROUTES.keys():
        raise RuntimeError(f"routes and their roles differ: {sorted(guarded ^ ROUTES.keys())} {unguarded}")


def _methods(path: str) -> list[str]:
    return sorted(method for method, template in ROUTES if compile_path(template)[0].match(path))
