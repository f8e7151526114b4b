"""Descriptions of real APIs, read by the texts of OpenAPI and Swagger alone: the importers share nothing of it.

What is read: the operations, their parameters, bodies, answers and security, references followed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

Json = Any

BESIDE = Path(__file__).parents[2].parent / "shared" / "corpus"
CORPUS = Path(os.environ.get("MCP_CODEGEN_CORPUS", BESIDE))
FILES = sorted(path for path in CORPUS.glob("*/*") if path.suffix in (".json", ".yaml", ".yml"))
WHY_NOT = f"no descriptions stand in {CORPUS}; MCP_CODEGEN_CORPUS names another folder"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
each = pytest.mark.parametrize("file", FILES or [None], ids=lambda path: path.parent.name if path else "none")
"""A test over every description."""


@dataclass(frozen=True)
class Parameter:
    """One in the path, the query, a header or a cookie, in OpenAPI 3's words."""

    name: str
    place: str
    required: bool
    schema: Json
    style: str
    explode: bool


@dataclass(frozen=True)
class Body:
    """What a request may carry: the schema of each media type."""

    required: bool
    content: Mapping[str, Json]


@dataclass(frozen=True)
class Operation:
    """One of a description."""

    method: str
    path: str
    node: Json
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: Mapping[str, Mapping[str, Json]]
    """The schema of each media type, by the status of a success."""
    prefix: str
    """The path of the server."""
    security: tuple[Mapping[str, Json], ...]
    """The alternatives, each a scheme by its name; one without schemes is an open door."""

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"


class Description:
    """One file."""

    def __init__(self, file: Path) -> None:
        text = file.read_text("utf-8")
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.data: Json = json.loads(text) if file.suffix == ".json" else yaml.load(text, loader)  # noqa: S506 - safe
        self.is_swagger = "swagger" in self.data

    def resolved(self, node: Json) -> Json:
        """What a node is behind its references; what stands beside those says nothing about values."""
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            found = self.data
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(
            self._operation(method, path, self.resolved(item))
            for path, item in self.data["paths"].items()
            for method in METHODS
            if method in self.resolved(item)
        )

    def _operation(self, method: str, path: str, item: Json) -> Operation:
        node = item[method]
        found = {}
        for one in [*item.get("parameters", []), *node.get("parameters", [])]:
            parameter = self.resolved(one)
            found[parameter["in"], parameter["name"]] = parameter
        outside = [one for one in found.values() if one["in"] not in ("body", "formData")]
        return Operation(
            method.upper(),
            path,
            node,
            tuple(self._parameter(one) for one in outside),
            self._body(node, list(found.values())),
            dict(self._answers(node)),
            self._prefix(item, node),
            tuple(self._security(node)),
        )

    # OpenAPI 3.0.4, "Parameter Object"; Swagger 2.0, "Parameter Object" and its collectionFormat
    def _parameter(self, one: Json) -> Parameter:
        place = one["in"]
        usual = "form" if place in ("query", "cookie") else "simple"
        if self.is_swagger:
            formats = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
            style = formats.get(one.get("collectionFormat", "csv"), usual)
            explode = one.get("collectionFormat") == "multi"
            return Parameter(one["name"], place, one.get("required", False), one, style, explode)
        style = one.get("style", usual)
        explode = one.get("explode", style == "form")
        return Parameter(one["name"], place, one.get("required", False), one.get("schema", {}), style, explode)

    def _body(self, node: Json, parameters: list[Json]) -> Body | None:
        if "requestBody" in node:
            body = self.resolved(node["requestBody"])
            content = {kind: media.get("schema", {}) for kind, media in body.get("content", {}).items()}
            return Body(body.get("required", False), content) if content else None
        consumes = node.get("consumes", self.data.get("consumes", ["application/json"]))
        whole = next((one for one in parameters if one["in"] == "body"), None)
        if whole is not None:
            return Body(whole.get("required", False), dict.fromkeys(consumes, whole.get("schema", {})))
        fields = [one for one in parameters if one["in"] == "formData"]
        if not fields:
            return None
        schema = {
            "type": "object",
            "properties": {one["name"]: one for one in fields},
            "required": [one["name"] for one in fields if one.get("required")],
        }
        kinds = [kind for kind in consumes if "form" in kind] or ["application/x-www-form-urlencoded"]
        return Body(True, dict.fromkeys(kinds, schema))

    def _answers(self, node: Json) -> Iterator[tuple[str, dict[str, Json]]]:
        produces = node.get("produces", self.data.get("produces", ["application/json"]))
        responses = {str(status): self.resolved(one) for status, one in node.get("responses", {}).items()}
        good = {status: one for status, one in responses.items() if status.startswith("2")}
        for status, one in (good or {key: one for key, one in responses.items() if key == "default"}).items():
            if "content" in one:
                yield status, {kind: media.get("schema", {}) for kind, media in one["content"].items()}
            elif "schema" in one:
                yield status, dict.fromkeys(produces, one["schema"])
            else:
                yield status, {}

    def _prefix(self, item: Json, node: Json) -> str:
        if self.is_swagger:
            return str(self.data.get("basePath", "")).rstrip("/")
        servers = node.get("servers") or item.get("servers") or self.data.get("servers") or [{"url": "/"}]
        url = str(servers[0]["url"])
        for name, one in servers[0].get("variables", {}).items():
            url = url.replace(f"{{{name}}}", one["default"])
        return urlsplit(url).path.rstrip("/")

    def _security(self, node: Json) -> Iterator[dict[str, Json]]:
        known = self.data.get("securityDefinitions", self.data.get("components", {}).get("securitySchemes", {}))
        for one in node.get("security", self.data.get("security", [])):
            yield {name: self.resolved(known[name]) for name in one}


_READ: dict[Path, Description] = {}


def described(file: Path | None) -> Description:
    """The description of a file; the test is skipped where there is none."""
    if file is None:
        pytest.skip(WHY_NOT)
    if file not in _READ:
        _READ[file] = Description(file)
    return _READ[file]
