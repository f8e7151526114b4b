"""What should have arrived for a call, by the texts of OpenAPI, Swagger and the RFCs they lean on.

It shares no code with the project: what both got wrong, both would have to get wrong in the same way.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from tests.corpus.descriptions import Operation, Parameter
from tests.corpus.making import is_ignored
from tests.runtime.upstream import Received

Json = Any
Pairs = list[tuple[str, str]]

ABSENT: Any = object()
OWN_HEADERS = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-type", "content-length"}
"""Those that any HTTP client sends."""
SEPARATORS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}


@dataclass(frozen=True)
class Call:
    """What a caller passed, by the description's own names."""

    operation: Operation
    values: Mapping[tuple[str, str], Json]
    """Of parameters, by place and name."""
    body: Json = ABSENT
    files: frozenset[str] = frozenset()
    """The members of the body that are bytes; callers write base64."""
    whole: bool | None = None
    """Whether the body is one argument; None where its names tell."""


@dataclass(frozen=True)
class Credentials:
    """The test's own, by scheme: what was seen to arrive for it stays the same and is no other scheme's."""

    known: frozenset[str]
    seen: dict[str, str]


def differences(call: Call, received: Received, credentials: Credentials) -> list[str]:
    """What arrived and should not have, or should have and did not."""
    asked = Asked(call.operation, received, credentials)
    found = list(asked.problems())
    if received.method != call.operation.method:
        found.append(f"method: {received.method}")
    if received.path != (path := expected_path(call)):
        found.append(f"path: {received.path}, expected {path}")
    pairs = expected_query(call)
    if _same(sent := asked.query(), pairs):
        found.append(f"query: {sent}, expected {pairs}")
    headers = expected_headers(call)
    if (sent_headers := asked.headers()) != headers:
        found.append(f"headers: {sent_headers}, expected {headers}")
    cookies = expected_cookies(call)
    if (sent_cookies := asked.cookies()) != cookies:
        found.append(f"cookies: {sent_cookies}, expected {cookies}")
    return found + list(_body(call, received)) + list(_accept(call.operation, received))


def _same(sent: Pairs, expected: Pairs) -> bool:
    """Not the same: the order of what has different names says nothing."""
    names = {name for name, _ in sent} | {name for name, _ in expected}
    return any([v for n, v in sent if n == name] != [v for n, v in expected if n == name] for name in names)


# --- parameters ------------------------------------------------------------------------------------------------------
# OpenAPI 3.0.4, "Style Values" and "Style Examples"; RFC 6570 for what is percent-encoded.


def expected_path(call: Call) -> str:
    """The server's path and the operation's, its placeholders filled in."""

    def fill(match: re.Match[str]) -> str:
        one = next(one for one in call.operation.parameters if (one.place, one.name) == ("path", match[1]))
        value = call.values["path", match[1]]
        words = [_encoded(word) for word in _words(value)]
        if one.style == "label":
            return "." + ("." if one.explode else ",").join(words)
        if one.style == "matrix":
            return f";{one.name}=" + (f";{one.name}=" if one.explode else ",").join(words)
        return ",".join(words)

    return call.operation.prefix + re.sub(r"\{([^{}]*)\}", fill, call.operation.path)


def expected_query(call: Call) -> Pairs:
    """Names and values, still percent-encoded."""
    return [pair for one in call.operation.parameters if one.place == "query" for pair in _pairs(one, call)]


def _pairs(one: Parameter, call: Call) -> Pairs:
    value = call.values.get((one.place, one.name), ABSENT)
    if value is ABSENT or value is None:
        return []
    name = _encoded(one.name)
    if one.style == "deepObject":
        return [(f"{name}%5B{_encoded(key)}%5D", _encoded(_scalar(inner))) for key, inner in value.items()]
    if isinstance(value, dict) and one.explode:
        return [(_encoded(key), _encoded(_scalar(inner))) for key, inner in value.items() if inner is not None]
    if isinstance(value, list) and one.explode:
        return [(name, _encoded(_scalar(inner))) for inner in value if inner is not None]
    if isinstance(value, list | dict):
        words = [_encoded(word) for word in _words(value)]
        return [(name, SEPARATORS[one.style].join(words))] if words else []
    return [(name, _encoded(_scalar(value)))]


def expected_headers(call: Call) -> dict[str, str]:
    """Those that the description names; OpenAPI leaves Accept, Content-Type and Authorization to other words."""
    written = {}
    for one in call.operation.parameters:
        value = call.values.get((one.place, one.name))
        if one.place == "header" and not is_ignored(one) and value is not None:
            written[one.name.lower()] = ",".join(_words(value))
    return written


def expected_cookies(call: Call) -> dict[str, str]:
    written = {}
    for one in call.operation.parameters:
        value = call.values.get((one.place, one.name))
        if one.place == "cookie" and value is not None and value != []:
            written[one.name] = ",".join(_encoded(word) for word in _words(value))
    return written


def _words(value: Json) -> list[str]:
    if isinstance(value, dict):
        return [word for key, inner in value.items() if inner is not None for word in (key, _scalar(inner))]
    return [_scalar(one) for one in value if one is not None] if isinstance(value, list) else [_scalar(value)]


def _scalar(value: Json) -> str:
    """OpenAPI leaves it open; JSON's own way, without a fraction that says nothing."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoded(word: str) -> str:
    return quote(word, safe="-._~")


# --- security, and what arrived without it ---------------------------------------------------------------------------


class Asked:
    """What arrived, with the credential taken out of it."""

    def __init__(self, operation: Operation, received: Received, credentials: Credentials) -> None:
        self._received = received
        self._credentials = credentials
        self._operation = operation
        self._taken: set[tuple[str, str]] = set()
        self._found = [self._missing(one) for one in operation.security]
        self._chosen = next(
            (one for one, missing in zip(operation.security, self._found, strict=True) if not missing), {}
        )
        self._taken = {_place(scheme) for scheme in self._chosen.values()}

    def problems(self) -> Iterator[str]:
        if self._operation.security and all(self._found):
            yield f"security: {self._found}"
        if ("header", "authorization") not in self._taken and self._received.header("authorization"):
            yield "security: a credential that nobody asked for"

    def query(self) -> Pairs:
        text = self._received.target.partition("?")[2]
        pairs = [tuple(pair.partition("=")[::2]) for pair in text.split("&") if pair]
        return [(name, value) for name, value in pairs if ("query", unquote(name)) not in self._taken]

    def headers(self) -> dict[str, str]:
        gone = OWN_HEADERS | {name.lower() for place, name in self._taken if place == "header"} | {"cookie"}
        return {name.lower(): value for name, value in self._received.headers if name.lower() not in gone}

    def cookies(self) -> dict[str, str]:
        pairs = (one.partition("=") for text in self._received.header("cookie") for one in text.split("; "))
        return {name: value for name, _, value in pairs if ("cookie", name) not in self._taken}

    def _missing(self, schemes: Mapping[str, Json]) -> list[str]:
        return [name for name, scheme in schemes.items() if not self._carries(name, scheme)]

    def _carries(self, name: str, scheme: Json) -> bool:
        """Whether the request shows the scheme's one credential, where OpenAPI's "Security Scheme Object" says."""
        place, key = _place(scheme)
        if place == "header":
            shown = self._received.header(key)
        elif place == "query":
            shown = [value for one, value in self._received.query if one == key]
        else:
            cookies = (one.partition("=") for text in self._received.header("cookie") for one in text.split("; "))
            shown = [value for one, _, value in cookies if one == key]
        if len(shown) != 1:
            return False
        word = shown[0]
        if scheme["type"] != "apiKey":
            basic = scheme["type"] == "basic" or scheme.get("scheme", "").lower() == "basic"
            kind, _, word = word.partition(" ")
            if kind != ("Basic" if basic else "Bearer"):
                return False
            word = b64decode(word).decode().partition(":")[2] if basic else word
        others = [held for other, held in self._credentials.seen.items() if other != name]
        held = self._credentials.seen.setdefault(name, word)
        return word in self._credentials.known and held == word and word not in others


def _place(scheme: Json) -> tuple[str, str]:
    return (scheme["in"], scheme["name"]) if scheme["type"] == "apiKey" else ("header", "authorization")


# --- bodies ----------------------------------------------------------------------------------------------------------


def _accept(operation: Operation, received: Received) -> Iterator[str]:
    """RFC 9110, section 12.5.1: one of the types that the description names, if it names any."""
    named = {_essence(kind) for content in operation.answers.values() for kind in content}
    (accept,) = received.header("accept")
    if named and _essence(accept) not in named and not any("*" in one for one in named):
        yield f"accept: {accept}, expected one of {sorted(named)}"


def _body(call: Call, received: Received) -> Iterator[str]:
    kinds = received.header("content-type")
    body = call.operation.body
    if body is None or call.body is ABSENT:
        if received.body or kinds:
            yield f"body: {received.body[:200]!r} ({kinds}) where none is described or was given"
        return
    if len(kinds) != 1 or _essence(kinds[0]) not in {_essence(kind) for kind in body.content}:
        yield f"content type: {kinds}, expected one of {sorted(body.content)}"
        return
    if received.header("content-length") != [str(len(received.body))]:
        yield f"content length: {received.header('content-length')}"
    sent, expected = _read(kinds[0], received.body), _expected_body(_essence(kinds[0]), call)
    if sent != expected or repr(sent).count("True") != repr(expected).count("True"):
        yield f"body: {sent!r}, expected {expected!r}"


def _read(kind: str, content: bytes) -> Any:
    """A body by its media type: JSON, the pairs of a form, parts, or bytes."""
    plain = _essence(kind)
    if plain == "application/json" or plain.endswith("+json"):
        return json.loads(content)
    if plain == "application/x-www-form-urlencoded":
        return sorted(parse_qsl(content.decode("ascii"), keep_blank_values=True, strict_parsing=bool(content)))
    if plain == "multipart/form-data":
        message: Message[Any, Any] = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
        return sorted(
            (str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True))
            for part in message.get_payload()
        )
    return content


def _expected_body(kind: str, call: Call) -> Any:
    """OpenAPI 3.0.4, "Media Type Object" and "Encoding Object": arrays repeat their name, what is nested is JSON."""
    if kind == "application/json" or kind.endswith("+json"):
        return call.body
    if kind == "application/x-www-form-urlencoded":
        return sorted((name, word) for name, value in call.body.items() for word in _fields(value))
    if kind == "multipart/form-data":
        return sorted(
            (name, b64decode(word) if name in call.files else word.encode())
            for name, value in call.body.items()
            for word in _fields(value)
        )
    return b64decode(call.body) if "" in call.files else str(call.body).encode()


def _fields(value: Json) -> Sequence[str]:
    if value is None:
        return []
    return [_scalar(one) for one in value if one is not None] if isinstance(value, list) else [_scalar(value)]


def _essence(kind: str) -> str:
    return kind.partition(";")[0].strip().lower()


def base64_of(content: bytes) -> str:
    """As callers write a file."""
    return b64encode(content).decode()
