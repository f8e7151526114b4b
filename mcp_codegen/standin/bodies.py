"""The bodies of requests, read as their media types say: JSON, forms, parts, text, bytes."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any, Final

from mcp_codegen.checked import Operation, Parameter, is_json
from mcp_codegen.schema import Schema
from mcp_codegen.standin.errors import Refused
from mcp_codegen.standin.messages import Request, failure, parsed_query, raw_query
from mcp_codegen.standin.styles import ABSENT, from_query, number, resolved, typed

BAD_REQUEST: Final = 400
UNSUPPORTED: Final = 415
FORM: Final = "application/x-www-form-urlencoded"
PARTS: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class RequestBody:
    """A body, as far as it can be read without its types."""

    members: Mapping[str, Any] = field(default_factory=dict)
    """Of a JSON object, or the values of each name of a form."""
    whole: Any = ABSENT
    """Where the body is one input: JSON, or bytes."""
    is_form: bool = False
    pairs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of a form, with values that are still percent-encoded."""
    used: set[str] = field(default_factory=set)
    """The names of pairs that inputs in a style have taken."""

    def value(self, one: Parameter, schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - JSON
        """An input's value, `ABSENT` where it is left out. Raises `ValueError`."""
        if self.is_form and one.is_whole:
            return self._object(schema, schemas)
        if self.pairs and one.style != "simple":
            return from_query(one, schema, schemas, self.pairs, self.used)
        given = self.members.get(one.name, ABSENT) if self.whole is ABSENT else self.whole
        if given is ABSENT:
            return ABSENT
        if isinstance(given, bytes):
            return _of_bytes(given, schema, schemas)
        return self._field(given, schema, schemas) if self.is_form else given

    def _object(self, schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - JSON
        """A form that is one object: of a type's alternatives, the one that has members of these names."""
        alternatives = [resolved(one, schemas) for one in schema.variants] or [schema]
        typed_as = next((one for one in alternatives if self._is_of(one)), alternatives[0])
        known = {member.name: resolved(member.schema, schemas) for member in typed_as.members}
        other = resolved(typed_as.values, schemas) if typed_as.values else Schema(schema.pointer, "any")
        return {name: self._field(given, known.get(name, other), schemas) for name, given in self.members.items()}

    def _is_of(self, schema: Schema) -> bool:
        named = {member.name for member in schema.members}
        needed = {member.name for member in schema.members if member.required}
        return needed <= self.members.keys() and (schema.open or self.members.keys() <= named)

    def _field(self, given: Sequence[bytes], schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401
        if schema.kind == "array" and schema.items:
            items = resolved(schema.items, schemas)
            return [_of_bytes(text, items, schemas) for text in given]
        if len(given) > 1:
            raise ValueError(f"stands {len(given)} times in the body")
        return _of_bytes(given[0], schema, schemas)


def read_body(request: Request, one: Operation) -> RequestBody:
    """The body of a request to an API. Raises `Refused`."""
    if not request.body and (is_json(one.media_type) or not one.has_body):
        return RequestBody()
    media_type, _, rest = request.headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    charset = rest.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    utf8 = charset in ("", "utf-8", "us-ascii")
    if media_type != one.media_type or (not utf8 and (is_json(media_type) or media_type == FORM)):
        raise Refused(failure(UNSUPPORTED, f"send the body as {one.media_type}, in UTF-8"))
    inside = [parameter for parameter in one.parameters if parameter.place == "body"]
    if is_json(one.media_type):
        return _json(request, is_whole=any(parameter.is_whole for parameter in inside))
    if one.media_type == FORM:
        return RequestBody(_form(request), is_form=True, pairs=raw_query(request.body))
    if one.media_type == PARTS:
        return RequestBody(_parts(request), is_form=True)
    is_file = bool(inside) and inside[0].schema.kind == "file"
    content = request.body
    if not is_file and charset:
        try:
            content = content.decode(charset).encode()
        except (ValueError, LookupError) as error:
            raise Refused(failure(BAD_REQUEST, "the body is not text of its character set")) from error
    return RequestBody(whole=content)


def _json(request: Request, *, is_whole: bool) -> RequestBody:
    try:
        data = json.loads(request.body.decode(), parse_float=number, parse_constant=number)
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        raise Refused(failure(BAD_REQUEST, f"the body is not JSON: {said}")) from error
    if is_whole:
        return RequestBody(whole=data)
    if not isinstance(data, dict):
        raise Refused(failure(BAD_REQUEST, "the body is not a JSON object"))
    return RequestBody(data)


def _form(request: Request) -> dict[str, Sequence[bytes]]:
    try:
        return {name: [value.encode() for value in values] for name, values in parsed_query(request.body).items()}
    except ValueError as error:
        raise Refused(failure(BAD_REQUEST, "the form cannot be read; percent-encode it as UTF-8")) from error


def _parts(request: Request) -> dict[str, Sequence[bytes]]:
    kind = request.headers.get("content-type", "").encode("latin-1", "replace")
    message = message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + request.body)
    parts = message.get_payload()
    if not message.is_multipart() or not isinstance(parts, list):
        raise Refused(failure(BAD_REQUEST, "the body is not made of parts"))
    found: dict[str, list[bytes]] = {}
    for part in parts:
        if isinstance(part, str):
            continue
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.setdefault(name, []).append(content)
    return dict(found)


def _of_bytes(content: bytes, schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - JSON
    if schema.kind == "file":
        return b64encode(content).decode()
    return typed(content.decode(errors="replace"), schema, schemas)
