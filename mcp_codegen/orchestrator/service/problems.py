"""How the service says no: RFC 9457 problem details, for every error, whoever noticed it."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from mcp_codegen.orchestrator.errors import OrchestratorError, UserError, printable

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:mcp-orchestrator:problem:"
MOST_COMPLAINTS = 100
LONGEST = 500
"""Characters of a text that may quote what was sent."""

CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    421: "misdirected",
    422: "invalid_request",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
}
HINTS = {
    400: "send a request that HTTP/1.1 allows, with a body that is what its Content-Type says",
    404: "/openapi.json lists what there is",
    405: "the header Allow lists the methods of this path",
    413: "send less in one request",
    500: "nothing that you can mend: tell who runs the service, with the header X-Request-Id",
    503: "try again in a moment",
}


class Complaint(BaseModel):
    """What is wrong with one part of a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    pointer: str
    """Where: `body/input/customer_id`, `query/limit`, `path/run_id`."""
    message: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """`urn:mcp-orchestrator:problem:CODE`."""
    title: str
    """What the status means."""
    status: int
    detail: str
    """What happened this time."""
    code: str
    """A stable word for programs."""
    hint: str
    """What to do about it."""
    errors: list[Complaint] | None = None
    """Each part of the request that is wrong, where there are such."""


class Refusal(HTTPException):
    """Raise it to answer with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str = "",
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Complaint] = (),
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.problem = Problem(
            type=TYPE + (code or CODES.get(status, "failed")),
            title=HTTPStatus(status).phrase,
            status=status,
            detail=_told(detail),
            code=code or CODES.get(status, "failed"),
            hint=_told(hint or HINTS.get(status, "")),
            errors=list(errors[:MOST_COMPLAINTS]) or None,
        )

    def response(self) -> Response:
        """The answer."""
        body = json.dumps(self.problem.model_dump(exclude_none=True)).encode()
        return Response(body, self.status_code, headers=self.headers, media_type=MEDIA_TYPE)


def of(error: Exception) -> Refusal:
    """How an error is answered; one that nobody foresaw is told by its kind of problem only."""
    match error:
        case Refusal():
            refusal = error
        case RequestValidationError():
            refusal = invalid(error.errors())
        case HTTPException():
            refusal = _of_http(error)
        case UserError():
            refusal = Refusal(422, error.message, code=_code(error, "invalid_request"), hint=error.hint)
        case OrchestratorError():
            refusal = Refusal(503, error.message, code=_code(error, "unavailable"), hint=error.hint or HINTS[503])
        case DBAPIError() | PoolTimeout():
            again = {"Retry-After": "5"}
            refusal = Refusal(503, "the database cannot be asked now", code="database", headers=again)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            again = {"Retry-After": "60"}
            refusal = Refusal(503, "the service's disk is full", code="disk_full", hint=HINTS[500], headers=again)
        case _:
            refusal = Refusal(500, "the service failed")
    return refusal


def invalid(errors: Sequence[Any], where: str = "") -> Refusal:
    """A request whose parts do not fit; `errors` are Pydantic's."""
    complaints = [
        Complaint(
            pointer=_told("/".join(map(str, [*([where] if where else []), *each["loc"]]))), message=_message(each)
        )
        for each in errors[:MOST_COMPLAINTS]
    ]
    many = "one part of the request is" if len(errors) == 1 else f"{len(errors)} parts of the request are"
    hint = "`errors` says where, and what is expected; the request is described in /openapi.json"
    return Refusal(422, f"{many} not as described", hint=hint, errors=complaints)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's description: that these statuses, and all others but its success, are problems."""
    said = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    words: dict[int | str, dict[str, Any]] = {
        status: {**said, "description": HTTPStatus(status).phrase} for status in statuses
    }
    return {
        **words,
        422: {**said, "description": "The request is not as described"},
        "default": {**said, "description": "A problem"},
    }


def install(app: FastAPI, methods: Callable[[str], Sequence[str]]) -> None:
    """Let every error that reaches the application be answered so. `methods` are those that a path takes."""

    async def answer(request: Request, error: Exception) -> Response:
        response = of(error).response()
        if response.status_code == 405:  # noqa: PLR2004 - the router names the methods of one route of the path
            response.headers["Allow"] = ", ".join(methods(request.url.path))
        return response

    for kind in (Refusal, RequestValidationError, HTTPException, OrchestratorError, DBAPIError, PoolTimeout):
        app.add_exception_handler(kind, answer)


def _of_http(error: HTTPException) -> Refusal:
    detail = {
        400: "the request's body could not be read",
        404: "there is nothing at this path",
        405: "this path does not take this method",
    }.get(error.status_code, str(error.detail))
    return Refusal(error.status_code, detail, headers=error.headers)


def _code(error: OrchestratorError, otherwise: str) -> str:
    return otherwise if error.code == "failed" else error.code


def _message(error: Mapping[str, Any]) -> str:
    return _told(str(error["msg"]).removeprefix("Value error, "))


def _told(text: str) -> str:
    clean = printable(text.encode("utf-8", "replace").decode())
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"
