"""A catalog with its defaults filled in and its types read: what `rules` checks and `lowering` lowers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from mcp_codegen.catalog import Api, Auth, Body, Catalog, Gateway, Input, NoAuth, Place
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
IDEMPOTENT_METHODS: Final = _SAFE_METHODS | {"PUT", "DELETE"}
"""Of RFC 9110, section 9.2.2; the runtime repeats these unless it is told otherwise."""


MEDIA_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "text": "text/plain",
    "binary": "application/octet-stream",
}
"""The short names of media types."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input in its place."""

    name: str
    """On the wire."""
    label: str
    """Among the API's inputs: its name, and its place where that name stands in several."""
    place: Place
    schema: Schema
    required: bool
    spec: Input | Body

    @property
    def style(self) -> str:
        """How an array or an object stands in its place (OpenAPI's Parameter Object)."""
        if isinstance(self.spec, Input) and self.spec.style:
            return self.spec.style
        says_explode = isinstance(self.spec, Input) and self.spec.explode is not None
        is_form = self.place in ("query", "cookie") or (self.place == "body" and says_explode)
        return "form" if is_form else "simple"

    @property
    def explode(self) -> bool:
        """Whether an array's or an object's members stand apart."""
        given = self.spec.explode if isinstance(self.spec, Input) else None
        return self.style in ("form", "deepObject") if given is None else given

    @property
    def allow_reserved(self) -> bool:
        """Whether what a URL reserves stands in the query as it is."""
        return isinstance(self.spec, Input) and self.spec.allow_reserved

    @property
    def content_type(self) -> str:
        """Of its part in a multipart body; empty where its type says it."""
        return (self.spec.content_type or "") if isinstance(self.spec, Input) else ""

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole body."""
        return isinstance(self.spec, Body)

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
    media_type: str
    """Of the request's body, without its parameters."""

    @property
    def has_body(self) -> bool:
        """Whether anything may stand in the body."""
        return any(parameter.place == "body" for parameter in self.parameters)

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
        known = self.method in IDEMPOTENT_METHODS or self.read_only
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

    def auths_of(self, operation: Operation) -> tuple[Auth, ...]:
        """What an API asks of its callers, all of it together; empty when it is open."""
        gateway = self.gateways.get(operation.gateway)
        asked = operation.api.auth if operation.api.auth is not None else gateway.auth if gateway else []
        return tuple(auth for auth in asked if not isinstance(auth, NoAuth))


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


def is_json(media_type: str) -> bool:
    """Whether a media type is JSON: `application/json`, or anything that ends in `+json` (RFC 6839)."""
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


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
        media_type=MEDIA_TYPES.get(api.content_type, api.content_type).partition(";")[0].strip().lower(),
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
    sample = curl.parse(api.sample_curl) if api.sample_curl else None
    places = [spec.in_ or _place(spec.name, method, path, sample) for spec in api.inputs]
    labels = _labels([(spec.name, place) for spec, place in zip(api.inputs, places, strict=True)])
    found = []
    for index, (spec, place, label) in enumerate(zip(api.inputs, places, labels, strict=True)):
        schema = reader.field(spec, (*pointer, "inputs", index))
        required = spec.required is not False and not schema.default
        found.append(Parameter(spec.name, label, place, schema, required, spec))
    if api.body is not None:
        schema = reader.field(api.body, (*pointer, "body"))
        label = "body" if "body" not in labels else "body_"
        found.append(Parameter(label, label, "body", schema, api.body.required, api.body))
    return tuple(found)


def _labels(inputs: Sequence[tuple[str, Place]]) -> list[str]:
    """The inputs' names; those that several places share have the place behind them, but for the first place's."""
    order: Sequence[Place] = ("path", "query", "header", "cookie", "body")
    first = {name: min((p for n, p in inputs if n == name), key=order.index) for name, _ in inputs}
    return [name if place == first[name] else f"{name}_{place}" for name, place in inputs]


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
