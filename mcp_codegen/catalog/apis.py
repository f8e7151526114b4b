"""A catalog: gateways, APIs, and the types that they share."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from mcp_codegen.catalog.authentication import Auths
from mcp_codegen.catalog.nodes import HeaderName, Node, Seconds, Text
from mcp_codegen.catalog.pagination import Pages
from mcp_codegen.catalog.resilience import CircuitBreaker, Limits, Retry
from mcp_codegen.catalog.types import Body, Input, NamedField

LONGEST_NAME: Final = 40
"""Of a catalog."""


def _license(value: str) -> str:
    try:
        return canonicalize_license_expression(value) if value else ""
    except InvalidLicenseExpression:
        raise PydanticCustomError("license", "this is no SPDX license expression") from None


License = Annotated[str, AfterValidator(_license)]


class Gateway(Node):
    """Where a family of APIs lives, and what it asks of its callers."""

    base_url: str = Field(min_length=1)
    """An http(s) URL; `${VARIABLE}` is filled in from the environment when the server starts."""
    auth: Auths = []
    timeout_seconds: Seconds = 30.0
    """For a whole call. The environment variable GATEWAY_TIMEOUT overrides it."""
    description: Text = ""
    retry: Retry | None = None
    """For those of its APIs that may be called twice."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    limits: Limits = Limits()
    redirects: Literal["none", "sameOrigin"] = "none"
    """`sameOrigin`: followed on the server of the base URL and below its path, and nowhere else."""
    pagination: Pages | None = None
    """For those of its APIs that have the inputs which this names, and that answer a list."""


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
    retry: Retry | None = None
    """In place of the gateway's. Without an idempotency key, it is of no use to an API that may not be called twice."""
    idempotency_key: HeaderName | None = None
    """The header by which the upstream knows a call again, such as `Idempotency-Key`: it may then be made twice."""
    pagination: Pages | None = None
    """In place of the gateway's; `"none"` for none."""
    errors: list[ErrorAnswer] = []
    examples: list[Example] = []
    use_apim_gateway: bool | None = None
    """An older key: true means the gateway `apim`, false `direct`."""
    sample_curl: str = ""
    """An older key: parsed, never run, to find which inputs stand in the path, the query or the headers."""
    python_example: JsonValue = None
    """An older key, ignored."""


class Allowance(Node):
    """What the linter finds and somebody looked at."""

    rule: str = Field(min_length=1, max_length=64)
    """The rule's name, as `mcp-codegen lint` tells it."""
    at: str = Field(min_length=1, max_length=500)
    """The place, as `mcp-codegen lint --json` tells it; `*` stands for anything."""
    reason: str = Field(min_length=3, max_length=500)
    """Why it is right."""


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
    lint: list[Allowance] = []
    """What the linter shall let pass, each with its reason."""
    gateways: dict[str, Gateway] | None = None
    schemas: dict[str, dict[str, JsonValue] | bool] = {}
    """Types that several places use, each a JSON Schema; refer to one by `{"$ref": "#/schemas/NAME"}`."""
    apis: list[Api]
