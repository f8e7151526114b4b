"""One request of a browser: who is looking, in which language, and how a page is made for them."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import UploadFile

from mcp_codegen.orchestrator.service.access import NOBODY, Caller
from mcp_codegen.orchestrator.service.dashboard import cookies, texts
from mcp_codegen.orchestrator.service.dashboard.rendering import Pages
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.roles import Role

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Scripts and styles are this service's own files; a page holds none, and asks no other host."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # with none at all, browsers would not say where a form comes from
    "Vary": "Accept-Language, Cookie",
}
VISIT_SECONDS = 24 * 3600
LANGUAGE, THEME = "orchestrator-language", "orchestrator-theme"
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody who looks at a page."""

    request: Request
    pages: Pages
    caller: Caller
    mark: str
    """What their browser alone has; see `cookies.mark`."""
    language: str
    chosen: bool
    """Whether they asked for the language just now."""

    def may(self, role: str) -> bool:
        """Whether they have that role."""
        return self.caller.role is not None and self.caller.role.includes(Role(role))

    def page(self, name: str, status: int = 200, **context: object) -> HTMLResponse:
        """A page, by its template's name."""
        theme = self.request.cookies.get(THEME, "")
        query = self.request.url.query
        common = {
            "visit": self,
            "caller": self.caller,
            "form_token": cookies.form_token(self.mark),
            "path": self.request.url.path,
            "here": self.request.url.path + (f"?{query}" if query else ""),
            "theme": theme if theme in THEMES else "",
            "signed_in": cookies.session(self.request) is not None and self.caller.role is not None,
        }
        response = HTMLResponse(self.pages.render(name, self.language, common | context), status, headers=HEADERS)
        if cookies.mark(self.request) is None:
            cookies.keep(self.request, response, "visitor", self.mark, VISIT_SECONDS)
        if self.chosen:
            cookies.prefer(self.request, response, LANGUAGE, self.language)
        return response

    def go(self, path: str) -> RedirectResponse:
        """To another page, which is asked for anew."""
        return RedirectResponse(path, 303)


def visit(request: Request) -> Visit:
    """Who makes a request."""
    asked, liked = request.query_params.get("lang"), request.cookies.get(LANGUAGE)
    said = [asked, liked, *texts.accepted(request.headers.get("accept-language", ""))]
    return Visit(
        request=request,
        pages=request.app.state.pages,
        caller=getattr(request.state, "caller", NOBODY),
        mark=cookies.mark(request) or secrets.token_urlsafe(32),
        language=next((word for word in said if word and word in texts.LANGUAGES), "en"),
        chosen=asked in texts.LANGUAGES,
    )


async def _visit(request: Request) -> Visit:
    return visit(request)


async def _own_form(request: Request) -> None:
    """That a form is one of this browser's. Raises `Refusal` (400)."""
    form = await request.form(max_files=1, max_fields=40)
    given = form.get("form_token")
    mark = cookies.mark(request)
    if mark is None or isinstance(given, UploadFile) or given is None or not _same(given, cookies.form_token(mark)):
        raise Refusal(
            400,
            "the form is not one that this browser was given, or it is too old",
            code="foreign_form",
            hint="load the page again; the browser has to take cookies, and off this machine they need https",
        )


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


Visiting = Annotated[Visit, Depends(_visit)]
"""Who is looking, for a route."""
OwnForm = Depends(_own_form)
"""Stands before each route that takes a form."""
