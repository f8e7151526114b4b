"""What an upstream answered: without our secrets, checked, or told as an error."""

from __future__ import annotations

import codecs
import json
import re
import time
from dataclasses import dataclass, replace
from email.utils import mktime_tz, parsedate_tz
from functools import cache
from typing import Any

import httpx
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from ..errors import (
    Blocked,
    Forbidden,
    NotFound,
    NotJson,
    RateLimited,
    Rejected,
    SchemaMismatch,
    Unauthorized,
    UpstreamError,
    UpstreamFailed,
)
from .context import Answer
from .masking import masked

SHOWN_CHARACTERS = 300
SHORTEST_SECRET = 6
"""Shorter ones are left in successful answers: they would be found everywhere."""

JSON = "application/json"
_JSON_KIND = re.compile(r"(?:application|text)/(?:[^;\s]+\+)?json|[^;\s]+\+json", re.IGNORECASE)
_TEXT_KIND = re.compile(r"text/.*|[^;\s]+\+xml|application/(?:xml|(?:x-)?(?:yaml|javascript|ndjson))", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
_TEXT_CODEC = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|iso8859-\d+|cp\d+|koi8-[ru]|gb\w+|big5|shift_jis|euc_(?:jp|kr)"
)
"""Python has others, which are slow, or make what is no Unicode."""
_HTML_ACCEPTED = re.compile(r"text/html|text/\*|\*/\*|application/xhtml\+xml", re.IGNORECASE)
_HTML = re.compile(rb"\s*<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_FIREWALL = re.compile(
    rb"request rejected|the requested url was rejected|support id|access denied|attention required|cloudflare"
    rb"|incapsula|imperva|akamai|web application firewall|mod_security|request blocked|captcha",
    re.IGNORECASE,
)


_HUGE = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{309}")
"""A number that may be more than a float can hold, which would be passed on as null."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What is read of an answer: status, two headers, and the body, of which a failure may have more."""

    status: int
    content: bytes
    content_type: str = ""
    retry_after: str = ""

    def without(self, secrets: tuple[str, ...]) -> RawAnswer:
        """The answer with our own secrets masked, should the upstream echo them."""
        ok = httpx.codes.is_success(self.status)
        found = tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET or not ok)
        kind = masked(self.content_type.encode(), secrets).decode()
        return replace(self, content=masked(self.content, found), content_type=kind)


def checked(
    answer: RawAnswer,
    returns: Any,  # noqa: ANN401 - a type
    variables: tuple[str, ...],
    *,
    accept: str = JSON,
    wrapped: bool = False,
) -> Answer[Any]:
    """What was answered, if it is a success that fits the type. Raises `UpstreamError`.

    A type that is `str` or `bytes` and not wrapped is an answer that is no JSON; `Any` is what came.
    """
    wants_page = bool(_HTML_ACCEPTED.match(accept))
    if problem := refusal(answer, variables, wants_page=wants_page):
        raise problem
    if _is_html(answer) and not wants_page and (returns is Any or (returns in (str, bytes) and not wrapped)):
        raise _not_expected(answer, accept)
    if not wrapped and returns in (str, bytes):
        return _plain(answer, returns, accept)
    if not answer.content and _takes_null(returns):
        return Answer(None, wrapped)
    if returns is Any and (kind := _kind_that_came(answer)) is not Any:
        return _plain(answer, kind, accept)
    return Answer(_json(answer, returns, accept), wrapped)


def _plain(answer: RawAnswer, returns: Any, accept: str) -> Answer[Any]:  # noqa: ANN401 - a type
    """Text as text, anything else as bytes, with the media type that came, else the one that was asked for."""
    kind = _printable(answer.content_type)[:SHOWN_CHARACTERS] or accept
    return Answer(_decoded(answer) if returns is str else answer.content, media_type=kind)


def _decoded(answer: RawAnswer) -> str:
    """Text in the character set that it names, else in UTF-8, else, as older servers send it, in Latin-1."""
    named = _CHARSET.search(answer.content_type)
    for charset in (named[1] if named else "utf-8", "utf-8"):
        try:
            if _TEXT_CODEC.fullmatch(codecs.lookup(charset).name):
                return answer.content.decode(charset)
        except (LookupError, ValueError):
            continue
    return answer.content.decode("latin-1")


def _kind_that_came(answer: RawAnswer) -> Any:  # noqa: ANN401 - a type
    """`Any` for JSON, `str` for text, `bytes` for anything else."""
    kind = answer.content_type.partition(";")[0].strip()
    looks = answer.content.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith((b"{", b"["))
    if not kind or _JSON_KIND.fullmatch(kind) or (looks and kind.lower() in ("text/plain", "text/html")):
        return Any
    return str if _TEXT_KIND.fullmatch(kind) else bytes


def _takes_null(returns: Any) -> bool:  # noqa: ANN401 - a type
    if returns is Any:
        return True
    try:
        return _adapter(returns).validate_python(None) is None
    except ValidationError:
        return False


def _json(answer: RawAnswer, returns: Any, accept: str) -> Any:  # noqa: ANN401 - types and JSON
    content = answer.content.removeprefix(_BYTE_ORDER_MARK)
    try:
        data = from_json(content, allow_inf_nan=False)
        if _HUGE.search(content):
            json.dumps(data, allow_nan=False)
    except ValueError as error:
        raise _not_expected(answer, accept) from error
    if returns is not Any:
        _check(answer.status, content, data, returns)
    return data


def _check(status: int, content: bytes, data: Any, returns: Any) -> None:  # noqa: ANN401 - types and JSON
    try:
        _adapter(returns).validate_json(content, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        broken = [one for one in error.errors(include_url=False) if not _is_whole_number(one["type"], one["input"])]
        if broken:
            places = sorted({".".join(map(str, one["loc"])) or "the answer itself" for one in broken})
            raise SchemaMismatch(
                f"The API's answer breaks its schema at: {', '.join(places[:10])}.",
                "The answer is in 'data'. Mend the catalog's outputs if the API has changed.",
                status=status,
                data=data,
            ) from error


def _is_whole_number(kind: str, value: object) -> bool:
    """JSON Schema takes 1.0 for an integer (2020-12, section 6.1.1), Pydantic's strict mode does not."""
    return kind in ("int_type", "int_from_float") and isinstance(value, float) and value.is_integer()


def refusal(
    answer: RawAnswer, variables: tuple[str, ...], *, who: str = "The API", wants_page: bool = False
) -> UpstreamError | None:
    """The error that an answer is; None for a success. variables: the settings that hold the credential."""
    status = answer.status
    wanted = wants_page and httpx.codes.is_success(status)
    if _is_html(answer) and not wanted and (status == httpx.codes.FORBIDDEN or _FIREWALL.search(answer.content)):
        return Blocked(
            "A web application firewall answered in the API's place.",
            "Call from a network that the API allows, or ask its owners to let this server through.",
            status=status,
            detail=_excerpt(re.sub(rb"<[^>]*>", b" ", answer.content)),
        )
    if httpx.codes.is_success(status):
        return None
    settings = " and ".join(variables) or "the catalog's auth"
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
        kind, what, hint = known[status]
    elif status >= httpx.codes.INTERNAL_SERVER_ERROR:
        kind, what, hint = UpstreamFailed, "failed", "Try again later; if it goes on, tell the API's owners."
    elif httpx.codes.is_redirect(status):
        kind, what, hint = Rejected, "points elsewhere", "Check the base URL: redirects are not followed."
    else:
        kind, what, hint = Rejected, "did not accept the request", "See 'detail' for its own words."
    message = f"{who} {what} (HTTP {status})."
    after, detail = _seconds(answer.retry_after), _excerpt(answer.content)
    return kind(message, hint, status=status, retry_after=after, detail=detail)


def _is_html(answer: RawAnswer) -> bool:
    """A page, whatever it is called; JSON that is called a page is none."""
    kind = answer.content_type.lower()
    if "xml" in kind and "html" not in kind:
        return False
    called = "text/html" in kind and not answer.content.lstrip().startswith((b"{", b"["))
    return called or bool(_HTML.match(answer.content))


def _not_expected(answer: RawAnswer, accept: str) -> NotJson:
    wanted = "JSON" if _JSON_KIND.match(accept) else accept
    kind = answer.content_type.split(";")[0][:60] or "no content type"
    return NotJson(
        f"The API answered HTTP {answer.status} with something that is not {wanted} ({_printable(kind)}).",
        "Check the base URL: a portal or a proxy may be answering in the API's place.",
        status=answer.status,
        detail=_excerpt(answer.content),
    )


def _seconds(retry_after: str) -> float | None:
    """How long the upstream wants to be left alone (RFC 9110, section 10.2.3): a number of seconds, or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_tz(retry_after)
        return max(0.0, round(mktime_tz(moment) - time.time(), 3)) if moment else None
    except (ValueError, OverflowError):
        return None


def _excerpt(content: bytes) -> str:
    if b"\0" in content:
        return ""  # no text, or one in which a secret would not have been found
    return _printable(content[: 4 * SHOWN_CHARACTERS].decode(errors="replace"))[:SHOWN_CHARACTERS]


def _printable(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@cache
def _adapter(returns: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type
    return TypeAdapter(returns)
