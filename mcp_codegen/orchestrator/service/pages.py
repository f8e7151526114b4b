"""`/docs`: the API for people, and `/assets`: the files of all pages; no other host is asked for anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from mcp_codegen.orchestrator.service.guard import GuardedRoute

ASSETS = Path(__file__).parents[1] / "assets"
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
    """Serve the files of pages: the viewer of the API's description, scripts and styles of the dashboard."""
    app.mount("/assets", _Assets(directory=ASSETS), name="assets")


class _Assets(StaticFiles):
    """Files that browsers keep, and ask whether they are still the same."""

    def file_response(self, *words: Any, **options: Any) -> Response:  # noqa: ANN401 - Starlette's
        """One file."""
        response = super().file_response(*words, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response
