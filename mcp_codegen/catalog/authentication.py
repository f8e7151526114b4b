"""How callers are let in: `auth` of a gateway or an API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mcp_codegen.catalog.nodes import HeaderName, Node, Variable


class NoAuth(Node):
    """Nothing is sent."""

    type: Literal["none"]


class ApiKey(Node):
    """A key in a header, a query parameter or a cookie."""

    type: Literal["apiKey"]
    in_: Literal["header", "query", "cookie"] = Field("header", alias="in")
    name: HeaderName
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
