"""What a request says, read into the types of an API's inputs; what is wrong with it, all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from mcp_codegen.checked import Operation, Parameter
from mcp_codegen.errors import pointer_text, shown
from mcp_codegen.fitting import multiple_of
from mcp_codegen.schema import Schema, json_schema
from mcp_codegen.standin import styles
from mcp_codegen.standin.bodies import RequestBody, read_body
from mcp_codegen.standin.errors import Refused
from mcp_codegen.standin.messages import Request, failure
from mcp_codegen.standin.patterns import matcher
from mcp_codegen.standin.styles import ABSENT, resolved

BAD_REQUEST: Final = 400
MOST_PROBLEMS: Final = 20

_PLACES: Final = {"path": "path", "query": "query", "header": "headers", "cookie": "cookies", "body": "body"}


@dataclass(frozen=True, slots=True)
class _Query:
    """The query's values, still encoded, and the names that inputs have taken."""

    values: Mapping[str, list[str]]
    used: set[str] = field(default_factory=set)


class Inputs:
    """How the inputs of one API are read from requests."""

    def __init__(self, one: Operation, schemas: Mapping[str, Schema], definitions: Mapping[str, Any]) -> None:
        self._operation = one
        self._schemas = schemas
        self._validators = {each.label: validator(each.schema, definitions) for each in one.parameters}

    def read(self, request: Request, in_path: Mapping[str, str], credentials: Collection[str] = ()) -> dict[str, Any]:
        """The inputs, with the defaults of those left out. Raises `Refused`, naming all that are missing or wrong.

        `credentials`: the query parameters that are no inputs.
        """
        body = read_body(request, self._operation)
        query = _Query({name: values for name, values in request.raw_query.items() if name not in credentials})
        found: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for one in sorted(self._operation.parameters, key=self._takes_any_name):
            try:
                value = self._value(one, self._raw(one, request, in_path, query, body))
            except ValueError as error:
                problems[one.label] = str(error)
                continue
            if value is not ABSENT:
                found[one.label] = value
            elif one.required:
                problems[one.label] = f"is missing from the {_PLACES[one.place]}"
            elif one.schema.default:
                found[one.label] = one.schema.default[0]
        inside = [one for one in self._operation.parameters if one.place == "body"]
        known = {one.name for one in inside} | ({*body.members} if any(one.is_whole for one in inside) else set())
        unknown = [("query", name) for name in query.values if name not in query.used]
        unknown += [("body", name) for name in body.members if name not in known | body.used]
        problems |= {name: f"is no input in the {place}" for place, name in unknown}
        if problems:
            order = {one.label: index for index, one in enumerate(self._operation.parameters)}
            ordered = sorted(problems.items(), key=lambda pair: order.get(pair[0], len(order)))
            named = dict(ordered[:MOST_PROBLEMS])
            said = "; ".join(f"{shown(name)} {problem}" for name, problem in named.items())
            raise Refused(failure(BAD_REQUEST, said, inputs=named))
        return {one.label: found[one.label] for one in self._operation.parameters if one.label in found}

    def _takes_any_name(self, one: Parameter) -> bool:
        """Whether its members may be called anything: it gets what the other parameters leave."""
        schema = resolved(one.schema, self._schemas)
        return one.place == "query" and one.style == "form" and one.explode and schema.kind == "object"

    def _raw(
        self, one: Parameter, request: Request, in_path: Mapping[str, str], query: _Query, body: RequestBody
    ) -> Any:  # noqa: ANN401 - as it came
        """What the request holds for an input, in its type but not checked; `ABSENT` where it is left out."""
        schema = resolved(one.schema, self._schemas)
        if one.place == "body":
            return body.value(one, schema, self._schemas)
        if one.place == "query":
            return styles.from_query(one, schema, self._schemas, query.values, query.used)
        if one.place == "path":
            return styles.from_text(one, schema, self._schemas, in_path[one.name], quoted=False)
        if one.place == "cookie":
            cookies = {name: [value] for name, value in request.cookies.items()}
            return styles.from_query(one, schema, self._schemas, cookies, set())
        given = request.headers.get(one.name.lower())
        return ABSENT if given is None else styles.from_text(one, schema, self._schemas, given, quoted=False)

    def _value(self, one: Parameter, value: Any) -> Any:  # noqa: ANN401 - JSON
        """One input's value. Raises `ValueError`, saying what is wrong with it."""
        if value is not ABSENT:
            for error in self._validators[one.label].iter_errors(value):
                raise ValueError(_said(error))
        return value


def validator(schema: Schema, definitions: Mapping[str, Any]) -> Draft202012Validator:
    """Checks values of a type strictly."""
    return _Validator(json_schema(schema, "input", pointer_key) | {"$defs": definitions}, format_checker=_FORMATS)


def pointer_key(name: str) -> str:
    """A key as it stands in a URI's JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1").replace("%", "%25")


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
    Draft202012Validator, {"pattern": _matches, "multipleOf": multiple_of}
)


def _said(error: ValidationError) -> str:
    """What is wrong, without the value: it may be a secret, or a megabyte."""
    expected = error.validator_value
    place = f" at {pointer_text(tuple(error.absolute_path))}" if error.absolute_path else ""
    said = {
        "type": f"is not of type {' or '.join(map(str, expected)) if isinstance(expected, list) else expected}",
        "anyOf": "fits none of its types",
        "required": "lacks a required member",
        "pattern": f"does not match the pattern {shown(str(expected))}",
        "enum": "is not one of the values allowed",
        "additionalProperties": "has a member that is not known",
        "format": f"is not of format {shown(str(expected))}",
    }
    return said.get(str(error.validator), f"breaks {error.validator} {shown(str(expected))}") + place
