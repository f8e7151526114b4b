"""Sign in with a key, and out."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mcp_codegen.orchestrator.service import keys
from mcp_codegen.orchestrator.service.access import Caller
from mcp_codegen.orchestrator.service.dashboard import cookies, sessions
from mcp_codegen.orchestrator.service.dashboard.routing import SIGN_IN, PageRoute
from mcp_codegen.orchestrator.service.dashboard.visiting import OwnForm, Visit, Visiting
from mcp_codegen.orchestrator.service.guard import Serving
from mcp_codegen.orchestrator.service.problems import Refusal

HOME = "/ui"
LONGEST = 2000

routes = APIRouter(route_class=PageRoute, include_in_schema=False)

_OWN_PAGE = re.compile(r"/ui(?:[/?][!-\[\]-~]*)?")

Next = Annotated[str, Query(max_length=LONGEST)]


@routes.get("/")
async def root(visit: Visiting) -> Response:
    """People who type the service's address come to its pages."""
    return visit.go(HOME)


@routes.get(SIGN_IN)
async def door(visit: Visiting, service: Serving, next: Next = HOME) -> Response:
    """The form that asks for a key; who needs none is let in."""
    try:
        known = await service.access.identify(visit.request) is not None
    except Refusal:  # what is shown opens nothing, and this is the page that asks for something else
        known = False
    return visit.go(_own(next)) if known else _door(visit, next)


@routes.post(SIGN_IN, dependencies=[OwnForm])
async def sign_in(
    visit: Visiting,
    service: Serving,
    request: Request,
    key: Annotated[str, Form(max_length=LONGEST)] = "",
    next: Annotated[str, Form(max_length=LONGEST)] = HOME,
) -> Response:
    """Begin a session of the key's holder, under an id that nobody had before."""
    found = await run_in_threadpool(keys.find, service.database, key.strip())
    if found is None:
        return _door(visit, next, wrong=True)
    request.state.caller = Caller(f"key:{found.name}", found.role)  # for the audit log
    session = await run_in_threadpool(sessions.begin, service.database, found)
    response = visit.go(_own(next))
    cookies.keep(request, response, "session", session, sessions.HOURS * 3600)
    cookies.drop(request, response, "visitor")
    return response


@routes.post("/ui/sign-out", dependencies=[OwnForm])
async def sign_out(visit: Visiting, service: Serving, request: Request) -> Response:
    """End the session, here and in the browser."""
    session = cookies.session(request)
    if session is not None:
        found = await run_in_threadpool(sessions.holder, service.database, session)
        if found is not None:
            request.state.caller = Caller(f"key:{found.name}", found.role)
        await run_in_threadpool(sessions.end, service.database, session)
    response = visit.go(SIGN_IN)
    cookies.drop(request, response, "session")
    return response


def _door(visit: Visit, next: str, *, wrong: bool = False) -> Response:
    return visit.page("sign-in", 401 if wrong else 200, next=_own(next), wrong=wrong)


def _own(path: str) -> str:
    """A page of ours; home for anything else, so that no link leads from here to another site."""
    return path if _OWN_PAGE.fullmatch(path) else HOME
