"""A catalog with its defaults filled in and its types read: what `rules` checks and `lowering` lowers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mcp_codegen.catalog import Api, Auth, Catalog, Gateway, Input, NoAuth, Place
from mcp_codegen.errors import Pointer, Problem
from mcp_codegen.importers import curl
from mcp_codegen.reading import Reader
from mcp_codegen.schema import Schema

APIM: Final = "apim"
DIRECT: Final = "direct"
DEFAULT_GATEWAYS: Final[Mapping[str, Gateway]] = {
    APIM: Gateway.model_validate(
        {
            "baseUrl": "${APIM_BASE_URL}",
            "auth": {
                "type": "apiKey",
                "in": "header",
                "name": "Ocp-Apim-Subscription-Key",
                "env": "APIM_SUBSCRIPTION_KEY",
            },
        }
    ),
    DIRECT: Gateway.model_validate({"baseUrl": "${API_BASE_URL}", "auth": {"type": "bearer", "env": "BEARER_TOKEN"}}),
}
"""What a catalog has that defines no gateways."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_QUERY_METHODS: Final = frozenset({"GET", "HEAD", "DELETE"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_IDEMPOTENT_METHODS: Final = _SAFE_METHODS | {"PUT", "DELETE"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input in its place."""

    name: str
    place: Place
    schema: Schema
    required: bool
    spec: Input

    @property
    def pointer(self) -> Pointer:
        """Where it was written."""
        return self.schema.pointer


@dataclass(frozen=True)
class Operation:
    """An API with everything said that it left to defaults."""

    api: Api
    pointer: Pointer
    method: str
    base_url: str
    """Of an absolute endpoint; empty where a gateway says it."""
    path: str
    gateway: str
    """Empty where the endpoint is absolute."""
    parameters: tuple[Parameter, ...]
    answer: Schema | None
    """None: the catalog says nothing about it."""

    @cached_property
    def placeholders(self) -> tuple[str, ...]:
        """The names in the path's braces, in their order."""
        return tuple(_PLACEHOLDER.findall(self.path))

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing: as the catalog says, else by the method."""
        return self.method in _SAFE_METHODS if self.api.read_only is None else self.api.read_only

    @property
    def idempotent(self) -> bool:
        """Whether calling it twice is calling it once."""
        known = self.method in _IDEMPOTENT_METHODS or self.read_only
        return known if self.api.idempotent is None else self.api.idempotent

    @property
    def destructive(self) -> bool:
        """Whether it may destroy what was there: anything that writes, unless the catalog says otherwise."""
        return not self.read_only if self.api.destructive is None else self.api.destructive


@dataclass(frozen=True)
class CheckedCatalog:
    """The whole of it."""

    catalog: Catalog
    gateways: Mapping[str, Gateway]
    schemas: Mapping[str, Schema]
    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]
    """What could not be read."""

    @property
    def active(self) -> tuple[Operation, ...]:
        """The APIs that become tools."""
        return tuple(operation for operation in self.operations if operation.api.active)

    def auth_of(self, operation: Operation) -> Auth:
        """What an API asks of its callers."""
        if operation.api.auth is not None:
            return operation.api.auth
        gateway = self.gateways.get(operation.gateway)
        return gateway.auth if gateway else NoAuth(type="none")


def read(catalog: Catalog, broken: Collection[int] = (), known: Iterable[Problem] = ()) -> CheckedCatalog:
    """Fill in a catalog's defaults and read its types.

    broken: indexes of APIs to leave out. known: problems that were found before, so that none is told in other words.
    """
    reader = Reader(catalog.schemas)
    reader.problems.extend(known)
    schemas = {name: reader.json(schema, ("schemas", name)) for name, schema in catalog.schemas.items()}
    gateways = DEFAULT_GATEWAYS if catalog.gateways is None else catalog.gateways
    operations = tuple(
        _operation(api, ("apis", index), gateways, reader)
        for index, api in enumerate(catalog.apis)
        if index not in broken
    )
    return CheckedCatalog(catalog, gateways, schemas, operations, tuple(reader.problems))


def _operation(api: Api, pointer: Pointer, gateways: Mapping[str, Gateway], reader: Reader) -> Operation:
    method = api.http_method.upper()
    absolute = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", api.endpoint) is not None
    base_url, path = _split(api.endpoint) if absolute else ("", api.endpoint)
    return Operation(
        api=api,
        pointer=pointer,
        method=method,
        base_url=base_url,
        path=path,
        gateway="" if absolute and api.gateway is None else _gateway(api, gateways),
        parameters=_parameters(api, pointer, method, path, reader),
        answer=_answer(api, pointer, reader),
    )


def _split(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", f"{slash}{path}" or "/"


def _gateway(api: Api, gateways: Mapping[str, Gateway]) -> str:
    if api.gateway is not None:
        return api.gateway
    if api.use_apim_gateway is not None:
        return APIM if api.use_apim_gateway else DIRECT
    return next(iter(gateways)) if len(gateways) == 1 else DIRECT


def _parameters(api: Api, pointer: Pointer, method: str, path: str, reader: Reader) -> tuple[Parameter, ...]:
    where = (*pointer, "inputs")
    members = {member.name: member for member in reader.fields(api.inputs, where, required=True).members}
    sample = curl.parse(api.sample_curl) if api.sample_curl else None
    placed = []
    for spec in {spec.name: spec for spec in reversed(api.inputs)}.values():
        member = members[spec.name]
        place = spec.in_ or _place(spec.name, method, path, sample)
        required = member.required and not member.schema.default
        placed.append(Parameter(spec.name, place, member.schema, required, spec))
    return tuple(reversed(placed))


def _place(name: str, method: str, path: str, sample: curl.Sample | None) -> Place:
    if f"{{{name}}}" in path:
        return "path"
    if sample and (found := sample.place_of(name)):
        return found
    return "query" if method in _QUERY_METHODS else "body"


def _answer(api: Api, pointer: Pointer, reader: Reader) -> Schema | None:
    if api.outputs is not None:
        return reader.fields(api.outputs, (*pointer, "outputs"), required=False)
    if api.output is not None:
        return reader.json(api.output, (*pointer, "output"))
    return None
