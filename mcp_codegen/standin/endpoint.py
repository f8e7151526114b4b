"""One API, served: a request in, a reply out; the same inputs always get the same answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator

from mcp_codegen.catalog import ApiKey, Auth
from mcp_codegen.checked import Operation, is_json
from mcp_codegen.errors import shown
from mcp_codegen.paging import Paging
from mcp_codegen.schema import Schema
from mcp_codegen.standin import answers, documents
from mcp_codegen.standin.access import Gate
from mcp_codegen.standin.draw import Draw
from mcp_codegen.standin.identifiers import NOT_FOUND, Identifiers, asks_for
from mcp_codegen.standin.inputs import Inputs, validator
from mcp_codegen.standin.messages import Reply, Request, failure, phrase
from mcp_codegen.standin.paging import PagedList

OK = 200
TOO_MANY_REQUESTS, UNAVAILABLE = 429, 503


@dataclass(frozen=True, slots=True)
class Shared:
    """What all APIs of a catalog share."""

    schemas: Mapping[str, Schema]
    definitions: Mapping[str, Any]
    """The schemas again, as JSON Schema."""
    identifiers: Identifiers
    seed: int


class Endpoint:
    """An API of the catalog. What it takes to serve it is made by its first request: catalogs may have thousands."""

    def __init__(
        self,
        operation: Operation,
        auths: Sequence[Auth],
        gates: tuple[Gate, ...],
        shared: Shared,
        paging: Paging | None = None,
    ) -> None:
        self.operation = operation
        self.gates = gates
        self._credentials = {auth.name for auth in auths if isinstance(auth, ApiKey) and auth.in_ == "query"}
        self._shared = shared
        self._paging = paging

    @property
    def name(self) -> str:
        """The API's name."""
        return self.operation.api.name

    def inputs(self, request: Request, segments: Sequence[str]) -> dict[str, Any]:
        """The inputs of a request whose path has these segments in its placeholders' places. Raises `Refused`."""
        names = self.operation.placeholders
        in_path = dict(zip(names, segments[len(segments) - len(names) :], strict=True))
        return self._inputs.read(request, in_path, self._credentials)

    def answer(self, inputs: Mapping[str, Any], request: Request) -> Reply:
        """The example whose inputs these are, the catalog's most specific one first; else an answer that is made.

        Of a list in pages, the page that the inputs ask for. Raises `Refused`.
        """
        pages = self._pages
        others = {label: value for label, value in inputs.items() if not pages or label not in pages.labels}
        draw = Draw(f"{self._shared.seed}\0{self.name}\0{canonical(others)}".encode("utf-8", "surrogatepass"))
        for wanted, output in self._examples:
            if all(name in inputs and canonical(inputs[name]) == value for name, value in wanted.items()):
                if pages is None or not pages.labels.isdisjoint(wanted):
                    return Reply(OK, output, media_type=self._media_type)
                window = pages.window(inputs)
                content, headers = pages.page(output, *pages.cut(output, window), window, request)
                return Reply(OK, content, headers, self._media_type)
        if unknown := self._unknown(inputs):
            return unknown
        made = self._made(inputs, draw)
        if pages is None:
            return Reply(OK, made, media_type=self._media_type)
        window = pages.window(inputs)
        content, headers = pages.page(made, *pages.items(window, draw.at("items"), self._item), window, request)
        return Reply(OK, content, headers, self._media_type)

    def _made(self, inputs: Mapping[str, Any], draw: Draw) -> Any:  # noqa: ANN401 - JSON
        if self.operation.answer is None:
            return {} if is_json(self._media_type) else documents.make(self._media_type, draw)
        echoed = {
            path: inputs[path[-1]]
            for path, allowed in self._echoes.items()
            if path[-1] in inputs and allowed.is_valid(inputs[path[-1]])
        }
        return answers.make(self.operation.answer, self._shared.schemas, self._shared.identifiers, draw, echoed)

    def _item(self, schema: Schema, draw: Draw, name: str) -> Any:  # noqa: ANN401 - JSON
        return answers.make_item(schema, name, self._shared.schemas, self._shared.identifiers, draw)

    def failure(self, status: int) -> Reply:
        """The reply of a fault: what the catalog says of that status, where it does."""
        headers = {"Retry-After": "1"} if status in (TOO_MANY_REQUESTS, UNAVAILABLE) else {}
        said = f"{phrase(status)}: a fault that the stand-in was asked for"
        return self._error(status, headers) or failure(status, said, headers)

    def _error(self, status: int, headers: Mapping[str, str]) -> Reply | None:
        for error in self.operation.api.errors:
            if error.status == status and "example" in error.model_fields_set:
                return Reply(status, error.example, headers)
        return None

    def _unknown(self, inputs: Mapping[str, Any]) -> Reply | None:
        """The reply to an identifier that nobody gave out."""
        known = self._shared.identifiers
        for one in self.operation.parameters:
            value = inputs.get(one.label)
            if (
                known.are_checked(one.name, self.name)
                and asks_for(self.operation, one)
                and isinstance(value, str)
                and not known.is_known(one.name, value)
            ):
                what = one.name if one.schema.secret else f"{one.name} {shown(value)}"
                issuers = " and ".join(known.issuers[one.name])
                said = f"{what} is unknown; known are those that {issuers} answers with, and those of examples"
                return self._error(NOT_FOUND, {}) or failure(NOT_FOUND, said, inputs={one.name: "is unknown"})
        return None

    @property
    def _media_type(self) -> str:
        return self.operation.api.answer_type.partition(";")[0].strip().lower()

    @cached_property
    def _pages(self) -> PagedList | None:
        return PagedList(self._paging, self.operation, self._shared.schemas) if self._paging else None

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs(self.operation, self._shared.schemas, self._shared.definitions)

    @cached_property
    def _examples(self) -> list[tuple[dict[str, str], Any]]:
        """Inputs, each in its one way of being written, and the answer; those of most inputs first."""
        pairs = [
            ({name: canonical(value) for name, value in example.inputs.items()}, example.output)
            for example in self.operation.api.examples
            if "output" in example.model_fields_set
        ]
        return sorted(pairs, key=lambda pair: -len(pair[0]))

    @cached_property
    def _echoes(self) -> dict[answers.Path, Draft202012Validator]:
        """The members of the answer that give an input back, and what they can hold."""
        names = {one.label for one in self.operation.parameters if not one.schema.secret}
        answer = self.operation.answer
        paths = answers.paths_of(names, answer, self._shared.schemas) if answer else {}
        return {path: validator(schema, self._shared.definitions) for path, schema in paths.items()}


def canonical(value: Any) -> str:  # noqa: ANN401 - JSON
    """JSON in the one way of writing it: values are equal when their texts are."""
    return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"))


def _whole(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value with its whole floats as ints."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
