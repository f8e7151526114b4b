"""Sign in with a key, or at the issuer's own page, and out."""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from mcp_codegen.orchestrator.service import keys
from mcp_codegen.orchestrator.service.access import Caller
from mcp_codegen.orchestrator.service.dashboard import cookies, sessions
from mcp_codegen.orchestrator.service.dashboard.routing import SIGN_IN, PageRoute
from mcp_codegen.orchestrator.service.dashboard.visiting import OwnForm, Visit, Visiting
from mcp_codegen.orchestrator.service.guard import Serving
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.service import Service
from mcp_codegen.orchestrator.service.signing_in import Attempt, SignIn
from mcp_codegen.orchestrator.telemetry import tracing

HOME = "/ui"
BACK = "/ui/sign-in/back"
"""Where the issuer sends browsers; it has to know this address."""
LONGEST = 2000
LONGEST_CODE = 8000
ATTEMPT_SECONDS = 600

routes = APIRouter(route_class=PageRoute, include_in_schema=False)

_OWN_PAGE = re.compile(r"/ui(?:[/?][!-\[\]-~]*)?")

Next = Annotated[str, Query(max_length=LONGEST)]


@routes.get("/")
async def root(visit: Visiting) -> Response:
    """People who type the service's address come to its pages."""
    return visit.go(HOME)


@routes.get(SIGN_IN)
async def door(visit: Visiting, service: Serving, next: Next = HOME) -> Response:
    """The page that asks who is there; who needs not say is let in."""
    try:
        known = await service.access.identify(visit.request) is not None
    except Refusal:  # what is shown opens nothing, and this is the page that asks for something else
        known = False
    return visit.go(_own(next)) if known else _door(visit, service, next)


@routes.post(SIGN_IN, dependencies=[OwnForm])
async def sign_in(
    visit: Visiting,
    service: Serving,
    key: Annotated[str, Form(max_length=LONGEST)] = "",
    next: Annotated[str, Form(max_length=LONGEST)] = HOME,
) -> Response:
    """Begin a session of the key's holder, under an id that nobody had before."""
    found = await run_in_threadpool(keys.find, service.database, key.strip())
    if found is None:
        return _door(visit, service, next, 401, "door.wrong")
    visit.request.state.caller = Caller(f"key:{found.name}", found.role)  # for the audit log
    return _let_in(visit, await run_in_threadpool(sessions.of_key, service.database, found), next)


@routes.get("/ui/sign-in/issuer")
async def to_issuer(visit: Visiting, service: Serving, next: Next = HOME) -> Response:
    """To the issuer's page. Raises `Refusal` (404, 503)."""
    secret = secrets.token_urlsafe(32)
    place = await _issuer(service).begin(Attempt(secret), _own(next), _back(visit.request))
    response = RedirectResponse(place, 303)
    cookies.keep(visit.request, response, "attempt", secret, ATTEMPT_SECONDS)
    return response


@routes.get(BACK)
async def from_issuer(
    visit: Visiting,
    service: Serving,
    state: Annotated[str, Query(max_length=2 * LONGEST)] = "",
    code: Annotated[str, Query(max_length=LONGEST_CODE)] = "",
) -> Response:
    """Begin a session of whom the issuer names, with the role that it says. Raises `Refusal` (404, 503)."""
    tracing.hide_query()
    issuer, request = _issuer(service), visit.request
    attempt = Attempt(cookies.attempt(request) or secrets.token_urlsafe(32))
    next = attempt.wanted(state)
    if next is None:  # else somebody could be signed in as somebody else by a link
        return _door(visit, service, HOME, 400, "door.strange")
    request.state.noteworthy = True
    caller = await issuer.finish(attempt, code, _back(request)) if code else None
    if caller is None:
        response = _door(visit, service, next, 401, "door.refused")
    elif caller.role is None:
        request.state.caller = caller
        response = _door(visit, service, next, 403, "door.no_role")
    else:
        request.state.caller = caller
        words = (service.database, caller.name, caller.role, issuer.trust.issuer)
        response = _let_in(visit, await run_in_threadpool(sessions.of_user, *words), next)
    cookies.drop(request, response, "attempt")
    return response


@routes.post("/ui/sign-out", dependencies=[OwnForm])
async def sign_out(visit: Visiting, service: Serving, request: Request) -> Response:
    """End the session, here and in the browser."""
    session = cookies.session(request)
    if session is not None:
        issuer = service.sign_in.trust.issuer if service.sign_in is not None else ""
        found = await run_in_threadpool(sessions.holder, service.database, session, issuer)
        if found is not None:
            request.state.caller = found
        await run_in_threadpool(sessions.end, service.database, session)
    response = visit.go(SIGN_IN)
    cookies.drop(request, response, "session")
    return response


def _let_in(visit: Visit, session: str, next: str) -> Response:
    response = visit.go(_own(next))
    cookies.keep(visit.request, response, "session", session, sessions.HOURS * 3600)
    cookies.drop(visit.request, response, "visitor")
    return response


def _door(visit: Visit, service: Service, next: str, status: int = 200, problem: str = "") -> Response:
    """The page that asks who is there; `problem` names the text that says why nobody was let in."""
    issuer = service.sign_in.place if service.sign_in is not None else ""
    return visit.page("sign-in", status, next=_own(next), problem=problem, issuer=issuer)


def _issuer(service: Service) -> SignIn:
    if service.sign_in is None:
        raise Refusal(404, "nobody signs in at an issuer here", hint="start the service with --oidc-client-id")
    return service.sign_in


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{BACK}"


def _own(path: str) -> str:
    """A page of ours; home for anything else, so that no link leads from here to another site."""
    return path if _OWN_PAGE.fullmatch(path) else HOME
