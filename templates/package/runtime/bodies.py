"""The bodies of requests: JSON, forms, parts with files, text, bytes. What was not given is left out."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.message import Message
from typing import Any, Protocol

import httpx
from pydantic import MISSING, BaseModel
from pydantic_core import to_json

from ..errors import InvalidArguments
from .styles import is_given, query_pairs, text
from .wire import present

JSON = "application/json"
Encoded = tuple[bytes, str]
"""The bytes, and what they are called."""


class Body(Protocol):
    """What a request may carry."""

    def encode(self) -> Encoded | None:
        """The bytes and their media type; None when nothing was given."""


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object of the arguments that were given."""

    values: Mapping[str, Any]
    content_type: str = JSON

    def encode(self) -> Encoded | None:
        """Always an object, if an empty one."""
        return to_json(present(self.values)), self.content_type


@dataclass(frozen=True, slots=True)
class Json:
    """One JSON value."""

    value: Any
    content_type: str = JSON

    def encode(self) -> Encoded | None:
        """Null is a value."""
        if self.value is MISSING:
            return None
        return to_json(present({"body": self.value})["body"]), self.content_type


@dataclass(frozen=True, slots=True)
class Form:
    """A form as browsers send it: arrays repeat their name, what is nested is JSON, unless a style says otherwise."""

    values: Mapping[str, Any] | BaseModel | MISSING | None

    def encode(self) -> Encoded | None:
        """A form, if an empty one; None when the whole body was not given."""
        if not is_given(self.values):
            return None
        given = {name: value for name, value in _members(self.values).items() if is_given(value)}
        pairs = [pair for name, value in given.items() for pair in query_pairs(name, _flat(value))]
        return "&".join(f"{name}={value}" for name, value in pairs).encode(), "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Bytes:
    """A file, or in a part several: base64 in arguments, bytes on the wire."""

    value: Any
    content_type: str = "application/octet-stream"

    def encode(self) -> Encoded | None:
        """The bytes of the one file."""
        return None if not is_given(self.value) else (b64decode(self.value), self.content_type)


@dataclass(frozen=True, slots=True)
class Text:
    """One text."""

    value: Any
    content_type: str = "text/plain"

    def encode(self) -> Encoded | None:
        """In the character set that the media type names, else in UTF-8. Raises `InvalidArguments`."""
        if not is_given(self.value):
            return None
        message = Message()
        message["Content-Type"] = self.content_type
        charset = message.get_content_charset()
        kind = self.content_type if charset else f"{self.content_type}; charset=utf-8"
        try:
            return text(self.value).encode(charset or "utf-8"), kind
        except (UnicodeEncodeError, LookupError) as error:
            hint = "Pass other characters."
            raise InvalidArguments(f"Nothing was sent: the text cannot be written in {charset}.", hint) from error


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is no file, under a media type of its own."""

    value: Any
    content_type: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a multipart body (RFC 7578): files, texts, and JSON for what is nested."""

    values: Mapping[str, Any] | BaseModel | MISSING | None

    def encode(self) -> Encoded | None:
        """None when no part was given."""
        given = _members(self.values) if is_given(self.values) else {}
        parts = [part for name, value in given.items() if is_given(value) for part in _parts(name, value)]
        if not parts:
            return None
        request = httpx.Request("POST", "http://localhost", files=parts)
        return request.read(), request.headers["Content-Type"]


def _members(values: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any value
    """What a form is made of: arguments by their names on the wire, or one object that is the whole body."""
    whole: Mapping[str, Any] = values if isinstance(values, Mapping) else present({"body": values})["body"]
    return whole


def _flat(value: Any) -> Any:  # noqa: ANN401 - any value
    """An object as JSON in one pair; arrays repeat their name."""
    return text(value) if isinstance(value, Mapping | BaseModel) else value


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any value
    if isinstance(value, Bytes):
        if is_given(value.value):
            for one in value.value if isinstance(value.value, list | tuple) else [value.value]:
                yield name, (name, b64decode(one), value.content_type)
    elif isinstance(value, Part):
        if is_given(value.value):
            content = value.value if isinstance(value.value, str) else to_json(present({name: value.value})[name])
            yield name, (None, content, value.content_type)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _parts(name, one)
    elif isinstance(value, str | int | float | bool | Decimal):
        yield name, (None, text(value).encode())
    else:
        plain = present({name: value})[name]
        yield name, (None, plain.encode() if isinstance(plain, str) else to_json(plain), *_kind(plain))


def _kind(plain: object) -> tuple[str, ...]:
    return () if isinstance(plain, str) else (JSON,)
