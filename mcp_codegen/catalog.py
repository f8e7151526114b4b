"""The catalog language, version 1: what an API team writes, as Pydantic models.

These hold what one key can say about itself; what keys say about each other (names that resolve, paths that are
complete) is in `rules`. Keys that start with `x-` may stand anywhere and are ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

VARIABLE = r"^[A-Z_][A-Z0-9_]{0,63}$"
"""An environment variable's name; anything else where one belongs may be a secret and is never shown."""

LONGEST_NAME: Final = 40
"""Of a catalog."""

TypeName = Literal[
    "string", "int", "integer", "number", "float", "decimal", "bool", "boolean", "date", "datetime", "object", "array",
    "file", "any",
]  # fmt: skip
Place = Literal["path", "query", "header", "cookie", "body"]
Variable = Annotated[str, Field(pattern=VARIABLE)]
Seconds = Annotated[float, Field(gt=0, le=3600, description="Seconds.")]
Text = Annotated[str, Field(max_length=20_000)]


def _number(value: JsonValue) -> JsonValue:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("float_type", "expected a number")
    return value


def _license(value: str) -> str:
    try:
        return canonicalize_license_expression(value) if value else ""
    except InvalidLicenseExpression:
        raise PydanticCustomError("license", "this is no SPDX license expression") from None


License = Annotated[str, AfterValidator(_license)]
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


# --- authentication ------------------------------------------------------------------------------------


class NoAuth(Node):
    """Nothing is sent."""

    type: Literal["none"]


class ApiKey(Node):
    """A key in a header, a query parameter or a cookie."""

    type: Literal["apiKey"]
    in_: Literal["header", "query", "cookie"] = Field("header", alias="in")
    name: str = Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")
    """The header, parameter or cookie that carries the key."""
    env: Variable
    """The environment variable that holds the key."""


class Bearer(Node):
    """A token in the Authorization header."""

    type: Literal["bearer"]
    env: Variable
    """The environment variable that holds the token."""


class Basic(Node):
    """User and password in the Authorization header (RFC 7617)."""

    type: Literal["basic"]
    username_env: Variable
    """The environment variable that holds the user's name."""
    password_env: Variable
    """The environment variable that holds the password."""


class OAuth2ClientCredentials(Node):
    """A token from a token endpoint (RFC 6749, section 4.4)."""

    type: Literal["oauth2ClientCredentials"]
    token_url: str
    """Where tokens are issued; `${VARIABLE}` is filled in from the environment."""
    client_id_env: Variable
    client_secret_env: Variable
    scopes: list[str] = []


def _spell_out(auth: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
    return {"type": "none"} if auth == "none" else auth


def _several(auth: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
    return auth if isinstance(auth, list) else [auth]


AnyAuth = Annotated[NoAuth | ApiKey | Bearer | Basic | OAuth2ClientCredentials, Field(discriminator="type")]
Auth = Annotated[AnyAuth, BeforeValidator(_spell_out, json_schema_input_type=AnyAuth | Literal["none"])]
Auths = Annotated[
    list[Auth], BeforeValidator(_several, json_schema_input_type=AnyAuth | Literal["none"] | list[AnyAuth])
]
"""One way to be let in, or a list of several that are needed together."""


# --- types ---------------------------------------------------------------------------------------------


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
    style: Literal["form", "simple", "label", "matrix", "spaceDelimited", "pipeDelimited", "deepObject"] | None = None
    explode: bool | None = None


class Body(TypeSpec):
    """The whole body of a request."""

    required: bool = True


# --- APIs ----------------------------------------------------------------------------------------------


class Gateway(Node):
    """Where a family of APIs lives, and what it asks of its callers."""

    base_url: str = Field(min_length=1)
    """An http(s) URL; `${VARIABLE}` is filled in from the environment when the server starts."""
    auth: Auths = []
    timeout_seconds: Seconds = 30.0
    """For a whole call. The environment variable GATEWAY_TIMEOUT overrides it."""
    description: Text = ""
    retry: dict[str, JsonValue] | None = None
    pagination: dict[str, JsonValue] | None = None


class Example(Node):
    """Inputs and the answer that the upstream gives to them."""

    inputs: dict[str, JsonValue] = {}
    output: JsonValue = None
    description: Text = ""


class ErrorAnswer(Node):
    """What the upstream answers when it fails."""

    status: int = Field(ge=300, le=599)
    description: Text = ""
    code: str = ""
    example: JsonValue = None


class Api(Node):
    """One API: one HTTP request and its answer."""

    name: str = Field(min_length=1, max_length=256)
    title: Text = ""
    description: Text = ""
    tags: list[Annotated[str, Field(min_length=1, max_length=128)]] = []
    deprecated: bool = False
    http_method: str = Field(pattern=r"^[A-Za-z]{3,16}$")
    endpoint: str = Field(min_length=1, max_length=2_000)
    """A path with `{placeholders}`, or an absolute URL."""
    active: bool = True
    gateway: str | None = None
    auth: Auths | None = None
    inputs: list[Input] = []
    outputs: list[NamedField] | None = None
    """The members of the JSON object that is answered."""
    output: dict[str, JsonValue] | bool | None = None
    """A JSON Schema for the whole answer."""
    content_type: str = "application/json"
    """Of the request's body: a media type, or one of `json`, `form`, `multipart`, `text`, `binary`."""
    body: Body | None = None
    """The whole body as one input, instead of inputs in the body."""
    answer_type: str = "application/json"
    """Of a successful answer: a media type. What is not JSON arrives as text, or as bytes."""
    read_only: bool | None = None
    idempotent: bool | None = None
    destructive: bool | None = None
    timeout_seconds: Seconds | None = None
    retry: dict[str, JsonValue] | None = None
    pagination: dict[str, JsonValue] | None = None
    errors: list[ErrorAnswer] = []
    examples: list[Example] = []
    use_apim_gateway: bool | None = None
    """An older key: true means the gateway `apim`, false `direct`."""
    sample_curl: str = ""
    """An older key: parsed, never run, to find which inputs stand in the path, the query or the headers."""
    python_example: JsonValue = None
    """An older key, ignored."""


class Catalog(Node):
    """A list of APIs and what they share."""

    schema_uri: str = Field("", alias="$schema")
    name: str = Field(pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", max_length=LONGEST_NAME)
    """The generated package is NAME_mcp."""
    title: Text = ""
    description: Text = ""
    version: str = Field("1.0.0", pattern=r"^\d{1,9}(\.\d{1,9}){0,3}((a|b|rc|\.dev|\.post)\d{1,9})?$")
    """Of the generated package (PEP 440)."""
    license: License = ""
    """Of the generated package, as an SPDX expression such as `Apache-2.0` or `LicenseRef-Proprietary`."""
    namespace: str = Field("com.example", pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$")
    """Yours, as a reversed domain name: the server is called NAMESPACE/NAME-mcp in registries of MCP servers."""
    versioning: Literal["semver"] | None = None
    """`semver`: the package's version is raised as the changes since the last release ask, and it gets a changelog."""
    last_modified: str = ""
    modified_by: str = ""
    gateways: dict[str, Gateway] | None = None
    schemas: dict[str, dict[str, JsonValue] | bool] = {}
    """Types that several places use, each a JSON Schema; refer to one by `{"$ref": "#/schemas/NAME"}`."""
    apis: list[Api]
