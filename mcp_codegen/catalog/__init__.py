"""The catalog language, version 1: what an API team writes, as Pydantic models.

These hold what one key can say about itself; what keys say about each other (names that resolve, paths that are
complete) is in `rules`. Keys that start with `x-` may stand anywhere and are ignored.
"""

from __future__ import annotations

from mcp_codegen.catalog.apis import LONGEST_NAME, Allowance, Api, Catalog, ErrorAnswer, Example, Gateway
from mcp_codegen.catalog.authentication import ApiKey, Auth, Auths, Basic, Bearer, NoAuth, OAuth2ClientCredentials
from mcp_codegen.catalog.nodes import Node
from mcp_codegen.catalog.pagination import CursorPages, LinkedPages, NoPages, NumberedPages, OffsetPages, Paged, Pages
from mcp_codegen.catalog.resilience import CircuitBreaker, Limits, Retry
from mcp_codegen.catalog.types import Body, Input, NamedField, Place, TypeName, TypeSpec

__all__ = [
    "LONGEST_NAME",
    "Allowance",
    "Api",
    "ApiKey",
    "Auth",
    "Auths",
    "Basic",
    "Bearer",
    "Body",
    "Catalog",
    "CircuitBreaker",
    "CursorPages",
    "ErrorAnswer",
    "Example",
    "Gateway",
    "Input",
    "Limits",
    "LinkedPages",
    "NamedField",
    "NoAuth",
    "NoPages",
    "Node",
    "NumberedPages",
    "OAuth2ClientCredentials",
    "OffsetPages",
    "Paged",
    "Pages",
    "Place",
    "Retry",
    "TypeName",
    "TypeSpec",
]
