"""What a value looks like."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from mcp_codegen.catalog.nodes import Node, Number, Text

TypeName = Literal[
    "string", "int", "integer", "number", "float", "decimal", "bool", "boolean", "date", "datetime", "object", "array",
    "file", "any",
]  # fmt: skip
Place = Literal["path", "query", "header", "cookie", "body"]


class TypeSpec(Node):
    """What a value looks like; the same form nests in `fields` and `items`."""

    type: TypeName | None = None
    format: str | None = None
    """A format of JSON Schema, such as `uuid` or `date-time`."""
    title: Text = ""
    description: Text = ""
    example: JsonValue = None
    default: JsonValue = None
    nullable: bool = False
    deprecated: bool = False
    enum: Annotated[list[JsonValue], Field(min_length=1)] | None = None
    pattern: str | None = None
    minimum: Number | None = None
    maximum: Number | None = None
    exclusive_minimum: Number | None = None
    exclusive_maximum: Number | None = None
    multiple_of: Annotated[float, Field(gt=0)] | None = None
    min_length: Annotated[int, Field(ge=0)] | None = None
    max_length: Annotated[int, Field(ge=0)] | None = None
    min_items: Annotated[int, Field(ge=0)] | None = None
    max_items: Annotated[int, Field(ge=0)] | None = None
    fields: list[NamedField] | None = None
    """The members of an object."""
    items: TypeSpec | None = None
    """The members of an array."""
    ref: str | None = Field(None, alias="$ref", pattern=r"^#/schemas/[^/]+$")
    """A type of the catalog's `schemas`."""
    schema_: dict[str, JsonValue] | bool | None = Field(None, alias="schema")
    """A JSON Schema (2020-12) instead of the keys above."""
    secret: bool = False
    """Masked wherever it could be shown."""


class NamedField(TypeSpec):
    """A named value: an input of an API or a member of an object."""

    name: str = Field(min_length=1, max_length=256)
    required: bool | None = None
    """Inputs are required unless this says false; outputs only where it says true."""


class Input(NamedField):
    """One input of an API and where it stands in the request."""

    in_: Place | None = Field(None, alias="in")
    """Without it: a placeholder's name stands in the path; GET, HEAD and DELETE send a query; else the body."""
    style: (
        Literal["form", "simple", "label", "matrix", "spaceDelimited", "pipeDelimited", "deepObject", "json"] | None
    ) = None
    """How it stands in its place, as in OpenAPI; `json`: as a JSON text."""
    explode: bool | None = None
    allow_reserved: bool = False
    """What a URL reserves stands in the query as it is, but for what would end the value."""
    content_type: str | None = Field(None, pattern=r"^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+(; ?[ -~]+)?$")
    """Of its part in a multipart body."""


class Body(TypeSpec):
    """The whole body of a request."""

    required: bool = True
