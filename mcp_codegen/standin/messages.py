"""Requests and replies, as the stand-in sees them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from mcp_codegen.checked import is_json

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, read to its end."""

    method: str
    path: str
    """As it came: still percent-encoded, without the query."""
    query: Mapping[str, list[str]]
    raw_query: Mapping[str, list[str]]
    """The same with values that are still percent-encoded."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies, by name."""
        pairs = (one.partition("=") for one in self.headers.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


@dataclass(frozen=True, slots=True)
class Stream:
    """A body that is sent piece by piece.

    length: what the head says of it; None for nothing. wait: seconds before the head. breaks: whether the connection
    is cut at its end; at once where there is no piece.
    """

    pieces: Callable[[], AsyncIterator[bytes]]
    length: int | None = None
    wait: float = 0.0
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: a status and JSON, text, bytes as they are, or a stream."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON

    def encoded(self) -> bytes:
        """The body."""
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, str) and not is_json(self.media_type):
            return self.content.encode("utf-8", "replace")
        try:
            return json.dumps(self.content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only say escaped
            return json.dumps(self.content, separators=(",", ":")).encode()


def failure(status: int, message: str, headers: Mapping[str, str] | None = None, **more: object) -> Reply:
    """A reply that tells what went wrong."""
    return Reply(status, {"status": status, "error": phrase(status), "message": message, **more}, headers or {})


def phrase(status: int) -> str:
    """The status in the words of HTTP."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def parsed_query(raw: bytes) -> dict[str, list[str]]:
    """The values of each name. Raises `ValueError` for what is not UTF-8."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1_000):
        values.setdefault(name, []).append(value)
    return values


def raw_query(raw: bytes) -> dict[str, list[str]]:
    """The values of each name, as they came: a separator that was encoded is none."""
    values: dict[str, list[str]] = {}
    for pair in raw.decode("ascii").split("&") if raw else ():
        name, _, value = pair.partition("=")
        values.setdefault(unquote_plus(name), []).append(value)
    return values
