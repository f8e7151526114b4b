"""A failed answer as one error: what it means by its status, and what the upstream says itself."""

from __future__ import annotations

import re
import time
from email.utils import mktime_tz, parsedate_tz

import httpx

from ..errors import (
    Blocked,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    UpstreamError,
    UpstreamFailed,
)
from .complaints import printable, read
from .exchange import RawAnswer

SHOWN_CHARACTERS = 300
_HOST = re.compile(
    r"((?:https?:)?//)(?:[^/?#]*@)?([\w.-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?(?:[/?#]|$)",
    re.IGNORECASE | re.ASCII,
)
"""The scheme, the host and the port of a URL; no user, path or query, which may be secrets."""
_HTML = re.compile(rb"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_FIREWALL = re.compile(
    rb"request rejected|the requested url was rejected|support id|access denied|attention required|cloudflare"
    rb"|incapsula|imperva|akamai|web application firewall|mod_security|request blocked|captcha",
    re.IGNORECASE,
)


def refusal(
    answer: RawAnswer, variables: tuple[str, ...], *, who: str = "The API", wants_page: bool = False
) -> UpstreamError | None:
    """The error that an answer is; None for a success. variables: the settings that hold the credential."""
    status = answer.status
    wanted = wants_page and httpx.codes.is_success(status)
    if is_html(answer) and not wanted and (status == httpx.codes.FORBIDDEN or _FIREWALL.search(answer.content)):
        return Blocked(
            "A web application firewall answered in the API's place.",
            "Call from a network that the API allows, or ask its owners to let this server through.",
            status=status,
            detail=excerpt(re.sub(rb"<[^>]*>", b" ", answer.content)),
        )
    if httpx.codes.is_success(status):
        return None
    kind, what, hint = _meaning(answer, " and ".join(variables) or "the catalog's auth")
    said = read(answer.content, status, page=is_html(answer))
    return kind(
        f"{who} {what} (HTTP {status}).",
        hint,
        status=status,
        retry_after=_seconds(answer.retry_after),
        upstream_code=said.code,
        upstream_reason=said.reason,
        upstream_message=said.message,
        detail=excerpt(answer.content),
    )


def _meaning(answer: RawAnswer, settings: str) -> tuple[type[UpstreamError], str, str]:
    """The error that a failure is, what the upstream does, and what to do. settings: that hold the credential."""
    status = answer.status
    known: dict[int, tuple[type[UpstreamError], str, str]] = {
        401: (
            Unauthorized,
            "did not accept the credential",
            f"Check {settings}: is it set, current, and for this API?",
        ),
        403: (Forbidden, "does not allow this", f"Ask for access for the credential in {settings}."),
        404: (NotFound, "knows nothing under these values", "Check that the identifiers are right and complete."),
        429: (RateLimited, "asks for fewer calls", "Wait, then try again."),
    }
    if status in known:
        return known[status]
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return UpstreamFailed, "failed", "Try again later; if it goes on, tell the API's owners."
    if httpx.codes.is_redirect(status) and not answer.headers.get("location"):
        return Rejected, "points elsewhere, and to no URL", "Check the base URL, or tell the API's owners."
    if httpx.codes.is_redirect(status):
        return Rejected, f"points elsewhere{_pointed_to(answer)}", _REDIRECTED
    return Rejected, "did not accept the request", "See 'detail' for its own words."


_REDIRECTED = (
    "Check the base URL. Redirects are followed only on the same server and below it, where the catalog says "
    '"redirects": "sameOrigin" of the gateway, and five at most.'
)


def _pointed_to(answer: RawAnswer) -> str:
    """The host that a Location names; a path or a query may be anybody's secret."""
    location = answer.headers.get("location", "")
    named = _HOST.match(location)
    return f", to {''.join(part or '' for part in named.groups())}" if named else ""


def is_html(answer: RawAnswer) -> bool:
    """A page, whatever it is called; JSON that is called a page is none."""
    kind = answer.content_type.lower()
    if "xml" in kind and "html" not in kind:
        return False
    called = "text/html" in kind and not answer.content.lstrip().startswith((b"{", b"["))
    return called or bool(_HTML.match(answer.content))


def _seconds(retry_after: str) -> float | None:
    """How long the upstream wants to be left alone (RFC 9110, section 10.2.3): a number of seconds, or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_tz(retry_after)
        return max(0.0, round(mktime_tz(moment) - time.time(), 3)) if moment else None
    except (ValueError, OverflowError):
        return None


def excerpt(content: bytes) -> str:
    """The start of a body, as one printable line."""
    if b"\0" in content:
        return ""  # no text, or one in which a secret would not have been found
    return printable(content[: 4 * SHOWN_CHARACTERS].decode(errors="replace"))[:SHOWN_CHARACTERS]
