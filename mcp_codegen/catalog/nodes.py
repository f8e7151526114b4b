"""What all objects of the language have in common, and its scalars."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

VARIABLE = r"^[A-Z_][A-Z0-9_]{0,63}$"
"""An environment variable's name; anything else where one belongs may be a secret and is never shown."""

Variable = Annotated[str, Field(pattern=VARIABLE)]
Seconds = Annotated[float, Field(gt=0, le=3600, description="Seconds.")]
Text = Annotated[str, Field(max_length=20_000)]
HEADER_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}"
HeaderName = Annotated[str, Field(pattern=rf"^{HEADER_NAME}$")]


def _number(value: JsonValue) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("float_type", "expected a number")
    return value


Number = Annotated[JsonValue, AfterValidator(_number), WithJsonSchema({"type": "number"})]


def _allow_extensions(schema: dict[str, Any]) -> None:
    schema["patternProperties"] = {"^x-": {}}


class Node(BaseModel):
    """One object of the language: camelCase in the file, strict types, no unknown keys."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        json_schema_extra=_allow_extensions,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_extensions(cls, data: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if not (isinstance(key, str) and key.startswith("x-"))}
        return data
