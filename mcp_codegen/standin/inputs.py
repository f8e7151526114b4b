"""What a request says, read into the types of an API's inputs; what is wrong with it, all at once."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from mcp_codegen.checked import Parameter
from mcp_codegen.errors import pointer_text, shown
from mcp_codegen.schema import Schema, json_schema
from mcp_codegen.standin.errors import Refused
from mcp_codegen.standin.messages import JSON, Request, failure
from mcp_codegen.standin.patterns import matcher

BAD_REQUEST: Final = 400
UNSUPPORTED: Final = 415
MOST_PROBLEMS: Final = 20
EXACT: Final = 2**53

_INTEGER: Final = re.compile(r"-?[0-9]{1,300}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
_PLACES: Final = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies", "body": "body"}


class Inputs:
    """How the inputs of one API are read from requests."""

    def __init__(
        self, parameters: Sequence[Parameter], schemas: Mapping[str, Schema], definitions: Mapping[str, Any]
    ) -> None:
        self._parameters = parameters
        self._kinds = {one.name: _kinds(one.schema, schemas) for one in parameters}
        self._validators = {one.name: validator(one.schema, definitions) for one in parameters}
        self._query = {one.name for one in parameters if one.place == "query"}
        self._body = {one.name for one in parameters if one.place == "body"}

    def read(self, request: Request, in_path: Mapping[str, str], credential: str = "") -> dict[str, Any]:
        """The inputs, with the defaults of those left out. Raises `Refused`, naming all that are missing or wrong.

        `credential`: the query parameter that is not an input.
        """
        body = self._json(request)
        found: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for one in self._parameters:
            raw = _raw(one, request, in_path, body)
            if raw:
                try:
                    found[one.name] = self._value(one, raw)
                except ValueError as error:
                    problems[one.name] = str(error)
            elif one.required:
                problems[one.name] = f"is missing from the {_PLACES[one.place]}"
            elif one.schema.default:
                found[one.name] = one.schema.default[0]
        unknown = [("query", name) for name in request.query if name not in self._query and name != credential]
        unknown += [("body", name) for name in body if name not in self._body]
        problems |= {name: f"is no input in the {place}" for place, name in unknown}
        if problems:
            named = dict(list(problems.items())[:MOST_PROBLEMS])
            said = "; ".join(f"{shown(name)} {problem}" for name, problem in named.items())
            raise Refused(failure(BAD_REQUEST, said, inputs=named))
        return found

    def _value(self, one: Parameter, raw: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON
        """One input's value. Raises `ValueError`, saying what is wrong with it."""
        kind, of_items = self._kinds[one.name]
        if one.place == "body":
            value = raw[0]
        elif kind == "array":
            value = [_typed(text, of_items) for text in raw]
        elif len(raw) > 1:
            raise ValueError(f"stands {len(raw)} times in the {_PLACES[one.place]}")
        else:
            value = _typed(raw[0], kind)
        for error in self._validators[one.name].iter_errors(value):
            raise ValueError(_said(error))
        return value

    def _json(self, request: Request) -> dict[str, Any]:
        """The body's members. Raises `Refused`."""
        if not request.body:
            return {}
        media_type, _, rest = request.headers.get("content-type", "").partition(";")
        charset = rest.lower().partition("charset=")[2].strip(' "')
        if media_type.strip().lower() != JSON or charset not in ("", "utf-8", "us-ascii"):
            raise Refused(failure(UNSUPPORTED, f"send the body as {JSON}, in UTF-8"))
        try:
            data = json.loads(request.body.decode(), parse_float=_float, parse_constant=_float)
        except (ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, json.JSONDecodeError) else "it cannot be read"
            raise Refused(failure(BAD_REQUEST, f"the body is not JSON: {said}")) from error
        if not isinstance(data, dict):
            raise Refused(failure(BAD_REQUEST, "the body is not a JSON object"))
        return data


def validator(schema: Schema, definitions: Mapping[str, Any]) -> Draft202012Validator:
    """Checks values of a type strictly."""
    return _Validator(json_schema(schema, "input", pointer_key) | {"$defs": definitions}, format_checker=_FORMATS)


def pointer_key(name: str) -> str:
    """A key as it stands in a URI's JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1").replace("%", "%25")


def _raw(one: Parameter, request: Request, in_path: Mapping[str, str], body: Mapping[str, Any]) -> Sequence[Any]:
    """What the request holds for an input, as it came; nothing where it is left out."""
    if one.place == "query":
        return request.query.get(one.name, ())
    name = one.name.lower() if one.place == "header" else one.name
    places: dict[str, Mapping[str, Any]] = {"path": in_path, "header": request.headers, "body": body}
    place = request.cookies if one.place == "cookie" else places[one.place]
    return (place[name],) if name in place else ()


def _kinds(schema: Schema, schemas: Mapping[str, Schema]) -> tuple[str, str]:
    """The kind of a value and, for a list, of its items."""
    while schema.kind == "ref":
        schema = schemas[schema.ref]
    return schema.kind, _kinds(schema.items, schemas)[0] if schema.items else ""


def _typed(text: str, kind: str) -> Any:  # noqa: ANN401 - a scalar
    if kind == "integer":
        if not _INTEGER.fullmatch(text):
            raise ValueError("is not a whole number")
        return int(text)
    if kind == "number":
        if not _NUMBER.fullmatch(text):
            raise ValueError("is not a number")
        return int(text) if _INTEGER.fullmatch(text) else _float(text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError("is neither true nor false")
        return text == "true"
    return text


def _float(text: str) -> float:
    """A number; a whole one as an int, so that 1.0 and 1 are the same input."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("is not a number that can be read")
    return int(value) if value.is_integer() and abs(value) < EXACT else value


def _matches(_: Any, pattern: str, value: object, __: Any) -> Iterator[ValidationError]:  # noqa: ANN401 - jsonschema's
    if isinstance(value, str) and not matcher(pattern)(value):
        yield ValidationError("does not match")


def _is_date_time(value: object) -> bool:
    try:
        return not isinstance(value, str) or ("T" in value.upper() and bool(datetime.fromisoformat(value)))
    except ValueError:
        return False


def _formats() -> FormatChecker:
    checker = FormatChecker(("date", "uuid", "email", "ipv4", "ipv6"))
    checker.checks("date-time")(_is_date_time)
    return checker


_FORMATS: Final = _formats()
_Validator: Final[type[Draft202012Validator]] = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _matches}
)


def _said(error: ValidationError) -> str:
    """What is wrong, without the value: it may be a secret, or a megabyte."""
    expected = error.validator_value
    place = f" at {pointer_text(tuple(error.absolute_path))}" if error.absolute_path else ""
    said = {
        "type": f"is not of type {' or '.join(expected) if isinstance(expected, list) else expected}",
        "required": "lacks a required member",
        "pattern": f"does not match the pattern {shown(str(expected))}",
        "enum": "is not one of the values allowed",
        "additionalProperties": "has a member that is not known",
        "format": f"is not of format {shown(str(expected))}",
    }
    return said.get(str(error.validator), f"breaks {error.validator} {shown(str(expected))}") + place
