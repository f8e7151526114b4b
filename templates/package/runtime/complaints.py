"""What an upstream itself says is wrong: its own code, reason and message, out of the bodies that APIs fail with.

Read are the errors of TM Forum and MEF (TMF630: code, reason, message), CAMARA (status, code, message), problem details
(RFC 9457), OAuth (RFC 6749, section 5.2), OneAPI's `requestError`, Apigee's `fault`, JSON:API's and other lists of
`errors`, nested `error` objects as Microsoft's, Google's and AWS's guidelines have them, bare text, and the heading of
a page.
What is read is foreign: of the wrong type it is left out, and of the right one it is cut and made printable.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json

LONGEST_CODE = 100
LONGEST_TEXT = 300
DEEPEST = 4
"""How far inside each other the objects stand that are looked into."""
MOST = 5
"""How many of an error's details are looked at; of several errors the first one speaks for all."""

_WRAPPERS = ("error", "errors", "fault", "requestError", "serviceException", "policyException", "odata.error")
_CODES = (
    "code", "errorCode", "error_code", "errorcode", "error", "exceptionId", "messageId", "__type", "status", "type",
)  # fmt: skip
_REASONS = ("reason", "title", "error")
_MESSAGES = (
    "message", "detail", "error_description", "description", "errorMessage", "error_message", "faultstring",
    "exceptionText", "text", "msg", "userMessage", "developerMessage",
)  # fmt: skip
_WORD = re.compile(r"[^\s]{1,100}")
_HEADING = re.compile(r"<(title|h1)\b[^>]{0,200}>(.{1,2000}?)</\1", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]{0,1000}>")


@dataclass(frozen=True, slots=True)
class Complaint:
    """An upstream's own words; what it does not say is empty."""

    code: str = ""
    reason: str = ""
    message: str = ""


def read(content: bytes, status: int, *, page: bool = False) -> Complaint:
    """What the body of a failed answer says. status: of that answer. page: it is HTML."""
    text = content.decode(errors="replace")
    if "\0" in text:
        return Complaint()  # no text, or one in which a secret would not have been found
    if page:
        heading = _HEADING.search(text[:65_536])
        return Complaint(message=printable(html.unescape(_TAG.sub(" ", heading[2])))[:LONGEST_TEXT] if heading else "")
    try:
        data = from_json(content.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except ValueError:
        is_markup = text.lstrip()[:1] in ("<", "{", "[")
        return Complaint(message="" if is_markup else _line(text[: 4 * LONGEST_TEXT]))
    if isinstance(data, str):
        return Complaint(message=_line(data))
    found = list(_errors(data, DEEPEST))
    message = _first(found, _MESSAGES, _message)
    reason = next(filter(None, (_reason(one, status) for one in found)), "")
    code = next(filter(None, (_code(one, status) for one in found)), "")
    return Complaint(code, reason if message else "", message or reason)


def printable(text: str) -> str:
    """The text as one line, without what a terminal or a model could take for more than text."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _errors(data: Any, depth: int) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    """The objects that may describe the error: the inner ones first, which say more than what they stand in."""
    if isinstance(data, list):
        for one in data[:1]:
            yield from _errors(one, depth - 1)
    elif isinstance(data, dict) and depth > 0:
        for name in _WRAPPERS:
            inner = data.get(name, data.get(name[0].upper() + name[1:]))
            if isinstance(inner, dict | list):
                yield from _errors(inner, depth - 1)
            elif name == "errors" and isinstance(inner, str):
                yield {"message": inner}
        # Some write keys with a capital; the plain ones win.
        yield {**{key[:1].lower() + key[1:]: value for key, value in data.items()}, **data}
        if isinstance(data.get("detail"), dict | list):  # FastAPI's, and Apigee's
            yield from _errors(data["detail"], depth - 1)
    elif isinstance(data, str) and depth > 0:
        yield {"message": data}


def _first(found: list[Mapping[str, Any]], names: tuple[str, ...], said: Any) -> str:  # noqa: ANN401 - a function
    return next((text for one in found for name in names if (text := said(one.get(name)))), "")


def _message(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, dict):  # OData: {"lang": …, "value": …}
        value = value.get("value")
    return _line(value) if isinstance(value, str) else ""


def _reason(one: Mapping[str, Any], status: int) -> str:
    for name in _REASONS:
        value = one.get(name)
        text = _line(value) if isinstance(value, str) else ""
        if text and not (name == "error" and (_WORD.fullmatch(text) or text == _phrase(status))):  # OAuth's is a code
            return text
    details = one.get("details")  # Google's
    found = details[:MOST] if isinstance(details, list) else []
    reasons = [each.get("reason") for each in found if isinstance(each, dict)]
    return next((_line(reason) for reason in reasons if isinstance(reason, str)), "")


def _code(one: Mapping[str, Any], status: int) -> str:
    """The first that is more than the HTTP status again: Google's `code` is that, and its `status` the code."""
    for name in _CODES:
        value = one.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
            value = str(value)
        text = printable(value) if isinstance(value, str) else ""
        if not text or text in (str(status), _phrase(status), "about:blank") or not _WORD.fullmatch(text):
            continue
        if name != "status" or not text.isdigit():
            return text
    return ""


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""


def _line(text: str) -> str:
    return printable(text[: 4 * LONGEST_TEXT])[:LONGEST_TEXT]
