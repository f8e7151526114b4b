"""Routes of pages: guarded as all others; what goes wrong is told as a page to who is reading pages."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from mcp_codegen.orchestrator.errors import OrchestratorError
from mcp_codegen.orchestrator.service import problems
from mcp_codegen.orchestrator.service.dashboard import visiting
from mcp_codegen.orchestrator.service.guard import GuardedRoute, Handle
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.shield import SAFE

SIGN_IN = "/ui/sign-in"
UNKNOWN = 401


class PageRoute(GuardedRoute):
    """A route that answers pages."""

    def get_route_handler(self) -> Handle:
        """What FastAPI calls for a request."""
        handle = super().get_route_handler()

        async def paged(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException, OrchestratorError, DBAPIError, PoolTimeout) as error:
                if "text/html" not in request.headers.get("accept", "") and "hx-request" not in request.headers:
                    raise
                return _page(request, problems.of(error))

        return paged


def _page(request: Request, refusal: Refusal) -> Response:
    """Who is not known is sent to sign in, and back here afterwards."""
    visit = visiting.visit(request)
    if refusal.status_code != UNKNOWN:
        response: Response = visit.page("problem", refusal.status_code, problem=refusal.problem)
        for name, value in (refusal.headers or {}).items():
            response.headers[name] = value
        return response
    back = request.headers.get("hx-current-url", "") if "hx-request" in request.headers else str(request.url)
    path = "/" + back.partition("://")[2].partition("/")[2]
    place = SIGN_IN if request.method not in SAFE else f"{SIGN_IN}?next={quote(path, safe='')}"
    if "hx-request" in request.headers:
        return Response(status_code=UNKNOWN, headers={"HX-Redirect": place})
    return visit.go(place)
