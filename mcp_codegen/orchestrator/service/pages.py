"""`/docs`: the API for people, from files of this package; no other host is asked for anything."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from mcp_codegen.orchestrator.service.guard import GuardedRoute

ASSETS = Path(__file__).with_name("assets")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Scripts are this service's own files; the viewer styles its elements where they stand."""
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>mcp-orchestrator: the API</title><script type="module" src="/assets/rapidoc-min.js"></script></head>
<body><rapi-doc spec-url="/openapi.json" load-fonts="false" render-style="read" show-header="false"
allow-server-selection="false" schema-description-expanded="true"></rapi-doc></body>
</html>
"""

routes = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@routes.get("/docs")
async def docs() -> HTMLResponse:
    """The page."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


def mount(app: FastAPI) -> None:
    """Serve the files of pages: the viewer of the API's description."""
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
