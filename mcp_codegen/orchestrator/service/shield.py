"""The outermost middleware: nothing unforeseen gets out, and every answer says what browsers may do with it."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_codegen.orchestrator.errors import describe
from mcp_codegen.orchestrator.service import problems
from mcp_codegen.orchestrator.service.audit import Audit, Entry
from mcp_codegen.orchestrator.service.problems import Refusal

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For answers that are no pages; a page sets its own."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
}
NAMED = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
"""What a Host header may be: a name or an address, and a port."""
TRACE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

logger = logging.getLogger(__name__)


class Shield:
    """Turns whatever is raised into a problem, refuses foreign pages and hosts, and has what was done written down."""

    def __init__(self, app: ASGIApp, *, audit: Audit, hosts: Sequence[str]) -> None:
        """`hosts` are the names by which the service may be called; none allows any."""
        self._app = app
        self._audit = audit
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if TRACE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        begun = False

        async def answered(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                await self._note(scope, message["status"], request_id)
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
            await send(message)

        try:
            self._check(scope, headers)
            await self._app(scope, receive, answered)
        except Exception as error:
            refusal = problems.of(error)
            if refusal.status_code == 500:  # noqa: PLR2004
                logger.error("request %s failed: %s", request_id, describe(error).message)  # noqa: TRY400 - no secrets
                logger.debug("the whole error", exc_info=True)
            if begun:
                raise ConnectionAbortedError from None  # half an answer is cut off rather than ended well
            await refusal.response()(scope, receive, answered)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """That the request was meant for this service. Raises `Refusal`.

        A page of another site can have a browser send requests to this machine, under a name of its own (DNS
        rebinding) or in the open (CSRF).
        """
        host = headers.get("host", "").lower()
        named = NAMED.fullmatch(host)
        if host and named is None:
            raise Refusal(400, "the header Host names no host")
        if "content-length" in headers and "transfer-encoding" in headers:  # a proxy may take the other one
            raise Refusal(400, "the request tells its length in two ways", headers={"Connection": "close"})
        if self._hosts and (named is None or named[1].strip("[]") not in self._hosts):
            raise Refusal(421, "this service is not called by that name", hint="start it with --allowed-host NAME")
        origin = headers.get("origin")
        if (
            scope["method"] not in SAFE
            and origin is not None
            and origin.lower() not in (f"http://{host}", f"https://{host}")
        ):
            raise Refusal(
                403,
                "the request comes from a page of another site",
                code="foreign_origin",
                hint="call it from a program",
            )

    async def _note(self, scope: Scope, status: int, request_id: str) -> None:
        """Have it written down who did something, or was refused."""
        refused = status in (401, 403)
        if (scope["method"] in SAFE and not refused and not scope["state"].get("noteworthy")) or status in (404, 405):
            return
        caller = scope["state"].get("caller")
        if refused and self._audit.too_many():
            return
        route = getattr(scope.get("route"), "path", scope["path"])
        entry = Entry(
            caller=caller.name if caller else "",
            role=caller.role.value if caller and caller.role else "",
            address=scope["client"][0] if scope.get("client") else "",
            action=f"{scope['method']} {route}",
            target=scope["state"].get("target") or "/".join(map(str, scope.get("path_params", {}).values())),
            status=status,
            request_id=request_id,
        )
        await asyncio.to_thread(self._audit.write, entry)
