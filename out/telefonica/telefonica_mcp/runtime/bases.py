"""Bases of the catalog's types, and types of its values that keep what was written."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, core_schema, to_json


class Model(BaseModel):
    """What an upstream answers: Python names in code, catalog names on the wire, unknown members kept."""

    model_config = ConfigDict(
        extra="allow",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
        defer_build=True,  # a module of a thousand types is imported for the few that a call needs
    )


class InputModel(BaseModel):
    """What a caller passes: unknown members are refused."""

    model_config = ConfigDict(
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
        defer_build=True,
    )


class OpenInputModel(InputModel):
    """What a caller passes and may add members to."""

    model_config = ConfigDict(extra="allow")


_DATE = SchemaValidator(core_schema.date_schema(strict=True))
_DATE_TIME = SchemaValidator(core_schema.datetime_schema(strict=True))


class _WrittenDate(dt.date):
    written: str


class _WrittenDateTime(dt.datetime):
    written: str


def _keep_date(value: Any, parse: Callable[[Any], dt.date]) -> dt.date:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        return parse(value)
    parsed: dt.date = _DATE.validate_json(to_json(value))  # `parse` takes no text where types are strict
    kept = _WrittenDate(parsed.year, parsed.month, parsed.day)
    kept.written = value
    return kept


def _keep_date_time(value: Any, parse: Callable[[Any], dt.datetime]) -> dt.datetime:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        return parse(value)
    parsed: dt.datetime = _DATE_TIME.validate_json(to_json(value))
    kept = _WrittenDateTime.combine(parsed.date(), parsed.timetz())
    kept.written = value
    return kept


def as_written(value: dt.date) -> str:
    """A date or a point in time as it came, else in ISO 8601."""
    return getattr(value, "written", None) or value.isoformat()


Date = Annotated[dt.date, WrapValidator(_keep_date), PlainSerializer(as_written, return_type=str, when_used="json")]
"""A date that is written again as it came."""
DateTime = Annotated[
    dt.datetime, WrapValidator(_keep_date_time), PlainSerializer(as_written, return_type=str, when_used="json")
]
"""A point in time that is written again as it came, with its own offset and fractions."""


def _number(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, bool | str):
        raise PydanticCustomError("decimal_type", "Input should be a number")
    return Decimal(str(value)) if isinstance(value, int | float) else value  # types may be strict


DecimalNumber = Annotated[
    Decimal,
    BeforeValidator(_number),
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""A decimal that is a JSON number on the wire: exact to 15 digits."""


class MultipleOf:
    """A decimal that is a whole number of steps, as both are written."""

    def __init__(self, step: float) -> None:
        self._step = step

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """Pydantic's own check does not take a decimal and a float (its protocol for annotations)."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What callers are shown."""
        return handler(schema) | {"multipleOf": self._step}

    def _checked(self, value: Decimal) -> Decimal:
        if value % Decimal(str(self._step)):
            raise PydanticCustomError("multiple_of", "Input should be a multiple of {step}", {"step": self._step})
        return value


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error) as error:
        raise PydanticCustomError("base64", "Input should be base64") from error
    return value


Base64 = Annotated[str, AfterValidator(_base64), WithJsonSchema({"type": "string", "contentEncoding": "base64"})]
"""A file's bytes in base64."""


def OneOf(*values: Any) -> AfterValidator:  # noqa: ANN401, N802 - JSON; reads as a type in annotations
    """One of several values that a Literal cannot hold, such as numbers with fractions."""

    def check(value: Any) -> Any:  # noqa: ANN401 - JSON
        if value not in values:
            raise PydanticCustomError("one_of", "Input should be one of {values}", {"values": repr(list(values))})
        return value

    return AfterValidator(check)
