"""What can go wrong in a call, with codes that stay the same: raised by the client, told by the server.

ApiError                     code
├── InvalidArguments         invalid_arguments    an argument breaks the tool's schema; nothing was sent
├── NotConfigured            not_configured       a setting of the server is missing or malformed
├── NotAllowed               not_allowed          this caller may not call this tool; nothing was sent
├── UpstreamError            (with the HTTP status)
│   ├── Unauthorized         unauthorized         401
│   ├── Forbidden            forbidden            403
│   ├── NotFound             not_found            404
│   ├── RateLimited          rate_limited         429
│   ├── Rejected             rejected             any other 3xx or 4xx
│   ├── UpstreamFailed       upstream_failed      5xx
│   ├── Blocked              blocked              a web application firewall's page in place of an answer
│   ├── NotJson              not_json             a successful answer that is not JSON
│   ├── SchemaMismatch       schema_mismatch      JSON that breaks the answer's schema; it is in `data`
│   └── AnswerTooLarge       answer_too_large
├── Unreachable              unreachable          no connection, or it broke
├── TimedOut                 timed_out            no complete answer within the time of the call
├── Busy                     busy                 too many calls are under way; nothing was sent
├── Suspended                suspended            the upstream is given time to recover; nothing was sent
├── PagingFailed             paging_failed        a list has further pages, and they cannot be had
├── RequestTooLarge          request_too_large    the arguments are more than the MCP server takes
├── ServerLost               server_lost          the MCP server cannot be reached, or has ended
└── Failed                   failed               a fault of the server itself
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ApiError(Exception):
    """A call failed. Its text says what happened and what to do; no secret is in it.

    status: of the upstream's answer, if there was one. retry_after: seconds, as the upstream asked.
    upstream_code, upstream_reason, upstream_message: what the upstream itself says is wrong, where its answer has
    them in a form that APIs use (TM Forum, CAMARA, RFC 9457, OAuth, …); else empty. detail: the start of its answer, as
    it came. data: an answer that did not fit its schema, whole.
    """

    code: ClassVar[str] = "failed"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        upstream_code: str = "",
        upstream_reason: str = "",
        upstream_message: str = "",
        detail: str = "",
        data: Any = None,  # noqa: ANN401 - JSON of any shape
        attempts: int = 1,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        self.retry_after = retry_after
        self.upstream_code = upstream_code
        self.upstream_reason = upstream_reason
        self.upstream_message = upstream_message
        self.detail = detail
        self.data = data
        self.attempts = attempts

    def __str__(self) -> str:
        said = ": ".join(filter(None, (self.upstream_code, self.upstream_message)))
        return " ".join(filter(None, (self.message, f"It says: {said.rstrip('.')}." if said else "", self.hint)))

    def to_dict(self) -> dict[str, Any]:
        """The error as JSON: code, message and hint always, the rest where there is something to say."""
        known: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        extra = {
            "status": self.status,
            "retryable": self.retryable or None,
            "retryAfter": self.retry_after,
            "upstreamCode": self.upstream_code or None,
            "upstreamReason": self.upstream_reason or None,
            "upstreamMessage": self.upstream_message or None,
            "detail": self.detail or None,
            "data": self.data,
            "attempts": self.attempts if self.attempts > 1 else None,
        }
        return known | {key: value for key, value in extra.items() if value is not None}


class InvalidArguments(ApiError):
    """An argument breaks the tool's schema; nothing was sent."""

    code = "invalid_arguments"


class NotConfigured(ApiError):
    """A setting of the server is missing or malformed; nothing was sent."""

    code = "not_configured"


class NotAllowed(ApiError):
    """This caller may not call this tool; nothing was sent."""

    code = "not_allowed"


class UpstreamError(ApiError):
    """The upstream answered, and not as it should."""


class Unauthorized(UpstreamError):
    """401: the credential was not accepted."""

    code = "unauthorized"


class Forbidden(UpstreamError):
    """403: the credential does not allow this."""

    code = "forbidden"


class NotFound(UpstreamError):
    """404: no such thing, or no such endpoint."""

    code = "not_found"


class RateLimited(UpstreamError):
    """429: too many calls."""

    code = "rate_limited"
    retryable = True


class Rejected(UpstreamError):
    """Any other 3xx or 4xx."""

    code = "rejected"


class UpstreamFailed(UpstreamError):
    """5xx: the upstream's own fault."""

    code = "upstream_failed"
    retryable = True


class Blocked(UpstreamError):
    """A web application firewall answered in the upstream's place."""

    code = "blocked"


class NotJson(UpstreamError):
    """A successful answer that is not JSON."""

    code = "not_json"


class SchemaMismatch(UpstreamError):
    """JSON that breaks the answer's schema."""

    code = "schema_mismatch"


class AnswerTooLarge(UpstreamError):
    """More than the server passes on."""

    code = "answer_too_large"


class Unreachable(ApiError):
    """No connection to the upstream, or it broke."""

    code = "unreachable"
    retryable = True


class TimedOut(ApiError):
    """No complete answer within the time of the call."""

    code = "timed_out"
    retryable = True


class Busy(ApiError):
    """Too many calls to the upstream are under way, and too many wait; nothing was sent."""

    code = "busy"
    retryable = True


class Suspended(ApiError):
    """Many of the last calls failed, and the upstream is given time to recover; nothing was sent."""

    code = "suspended"
    retryable = True


class PagingFailed(ApiError):
    """A list has further pages, and they cannot be had: they come again, or nothing leads to them."""

    code = "paging_failed"


class RequestTooLarge(ApiError):
    """The arguments are more than the MCP server takes over HTTP; nothing was sent to the upstream."""

    code = "request_too_large"


class ServerLost(ApiError):
    """The MCP server cannot be reached, or has ended; open a new client."""

    code = "server_lost"
    retryable = True


class Failed(ApiError):
    """A fault of the server itself; its log says more."""

    code = "failed"


def from_dict(error: Mapping[str, Any]) -> ApiError:
    """The error that a server told; one with a code of a newer server is `Failed`."""
    kinds = {kind.code: kind for kind in _all_kinds(ApiError)}
    return kinds.get(str(error.get("code")), Failed)(
        str(error.get("message", "")),
        str(error.get("hint", "")),
        status=error.get("status"),
        retry_after=error.get("retryAfter"),
        upstream_code=str(error.get("upstreamCode", "")),
        upstream_reason=str(error.get("upstreamReason", "")),
        upstream_message=str(error.get("upstreamMessage", "")),
        detail=str(error.get("detail", "")),
        data=error.get("data"),
        attempts=error.get("attempts", 1),
    )


def _all_kinds(kind: type[ApiError]) -> list[type[ApiError]]:
    return [kind, *(inner for one in kind.__subclasses__() for inner in _all_kinds(one))]
