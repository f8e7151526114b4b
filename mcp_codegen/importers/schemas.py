"""The schemas of OpenAPI 2.0, 3.0 and 3.1 → JSON Schema 2020-12 as the catalog language takes it.

What real descriptions get wrong is mended where its meaning is clear, and noted; what has no meaning is left out, and
noted: a value is then described more loosely than it was meant, never more strictly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from mcp_codegen.errors import shown
from mcp_codegen.importers import coherence, keywords
from mcp_codegen.importers.coherence import BESIDE_REFERENCES, listed
from mcp_codegen.importers.keywords import Json, Tell
from mcp_codegen.importers.references import DanglingError, Library
from mcp_codegen.importers.report import Note, Spot
from mcp_codegen.merging import merged

_SCHEMA: Final = frozenset(
    {"not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems"}
    | {"additionalProperties", "unevaluatedProperties", "additionalItems"}
)
_MAPS: Final = frozenset({"patternProperties", "dependentSchemas"})
_LISTS: Final = frozenset({"allOf", "oneOf", "anyOf", "prefixItems"})
_PLAIN: Final = frozenset({"default", "const", "contentEncoding", "contentMediaType", "dependentRequired"}) | {
    "minProperties", "maxProperties", "minContains", "maxContains",
}  # fmt: skip
_SILENT: Final = frozenset(
    {"xml", "externalDocs", "$schema", "$id", "id", "$comment", "$defs", "definitions", "$anchor", "nullable", "type"}
    | {
        "$vocabulary",
        "$dynamicAnchor",
        "$dynamicRef",
        "$recursiveAnchor",
        "examples",
        "example",
        "collectionFormat",
        "allowEmptyValue",
    }
)
"""What says nothing about the value, or is read together with another keyword."""
_SILENT_BESIDE: Final = frozenset({"$dynamicRef", "$id", "$anchor", "$defs", "$comment", "$schema"})
_GENERIC: Final = frozenset(
    {"components", "schemas", "definitions", "properties", "items", "$defs", "schema", "content", "paths"}
)
_LONGEST_NAME: Final = 80


class Schemas:
    """Converts schemas; those that are referred to get names and are converted once."""

    def __init__(self, library: Library, version: str, tell: Tell) -> None:
        self.library = library
        self._strict_references = version in ("2.0", "3.0")
        self._tell = tell
        self._names: dict[Spot, str] = {}
        self._taken: dict[str, Spot] = {}
        self._is_part = False
        self._waiting: dict[str, tuple[Any, Spot]] = {}
        self._places: dict[str, Spot] = {}
        self.named: dict[str, dict[str, Any]] = {}
        self._reserve(version)

    def resolve(self, reference: str) -> Json | None:
        """The converted schema that a converted reference means."""
        name = reference.removeprefix("#/schemas/")
        if name in self._waiting:
            self._convert_named(name)
        return self.named.get(name)

    def plain(self, schema: Json) -> Json:
        """A converted schema without `allOf`, and not by reference; what the reference itself says comes first."""
        seen: set[str] = set()
        schema = merged(schema, self.resolve)
        while isinstance(schema.get("$ref"), str) and schema["$ref"] not in seen:
            seen.add(schema["$ref"])
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = merged({**(self.resolve(schema["$ref"]) or {}), **beside}, self.resolve)
        return schema

    def finish(self) -> dict[str, dict[str, Any]]:
        """Every named schema that was asked for, converted."""
        while self._waiting:
            self._convert_named(next(iter(self._waiting)))
        for name, place in self._places.items():
            self._end_of(name, place)
            self._complete_merged(name, place)
        return self.named

    def _complete_merged(self, name: str, place: Spot) -> None:
        """What an `allOf` requires and none of its parts describes may be anything."""
        schema = self.named[name]
        if "allOf" not in schema:
            return
        plain = self.plain(schema)
        missing = coherence.missing_members(plain)
        if missing:
            self._note(place.of("required"), f"{listed(missing)} is required and not described; any value fits")
            schema["properties"] = {**schema.get("properties", {}), **{one: {} for one in missing}}

    def convert(self, node: Any, spot: Spot) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """A schema in the catalog's dialect; an empty one, which any value fits, where it cannot be understood."""
        if isinstance(node, bool):
            return {} if node else {"not": {}}
        if not isinstance(node, Mapping):
            self._note(spot, "a schema that is no object; any value fits")
            return {}
        if "$ref" not in node and isinstance(node.get("$dynamicRef"), str):
            node = {**node, "$ref": node["$dynamicRef"]}
        if isinstance(node.get("$ref"), str):
            return self._reference(node, spot)
        return coherence.nullable(self._keywords(node, spot), node)

    # --- references --------------------------------------------------------------------------------

    def _reserve(self, version: str) -> None:
        """The names of the main document's own schemas are theirs."""
        root = self.library.root
        where: tuple[str, ...] = ("definitions",) if version == "2.0" else ("components", "schemas")
        for part in where:
            root = root.get(part, {}) if isinstance(root, Mapping) else {}
        for name in root if isinstance(root, Mapping) else ():
            self._name(Spot(self.library.main, (*where, str(name))))

    def _reference(self, node: Json, spot: Spot) -> dict[str, Any]:
        beside = {key: one for key, one in node.items() if key not in ("$ref", *_SILENT_BESIDE) and key[:2] != "x-"}
        known = {key: value for key, value in beside.items() if key in BESIDE_REFERENCES}
        try:
            target, place = self._target(node["$ref"], spot)
        except DanglingError as error:
            self._note(spot, f"{error}; any value fits")
            return self._keywords(known, spot)
        reference = {"$ref": f"#/schemas/{self._converted(target, place)}"}
        if self._strict_references:
            ignored = beside.keys() - BESIDE_REFERENCES - {"nullable", "summary"}
            if ignored:
                self._note(spot, f"beside a $ref, {listed(ignored)} has no meaning, and is ignored")
            written = {**reference, **self._keywords(known, spot)}
        else:
            self._is_part = True  # what it refers to says the rest
            said = self._keywords(beside, spot)
            is_narrower = any(map(keywords.is_constraint, said))  # which may not go with the type that is referred to
            written = {"allOf": [reference], **said} if is_narrower and "allOf" not in said else {**reference, **said}
        return coherence.nullable(written, node)

    def _target(self, reference: str, spot: Spot) -> tuple[Any, Spot]:
        """The schema, as far as it is itself nothing but a reference with no name of its own."""
        return self.library.find(reference, spot.of("$ref"))

    def _converted(self, target: Any, place: Spot) -> str:  # noqa: ANN401 - JSON
        name = self._name(place)
        if name not in self.named:
            self._waiting.setdefault(name, (target, place))
        return name

    def _convert_named(self, name: str) -> None:
        target, place = self._waiting.pop(name)
        self.named[name] = {}  # it may refer to itself
        self.named[name] = self.convert(target, place)
        self._places[name] = place

    def _end_of(self, name: str, place: Spot) -> None:
        """A schema that is nothing but itself is any value."""
        seen, inner = {name}, self.named[name]
        while isinstance(inner.get("$ref"), str) or (inner.get("type") == "array" and "properties" not in inner):
            inner = inner.get("items", {}) if "$ref" not in inner else inner
            reference = str(inner.get("$ref", "")).removeprefix("#/schemas/")
            if not reference:
                if inner.get("type") != "array":
                    return
                continue
            if reference in seen:
                self._note(place, "this is described by nothing but itself; any value fits")
                self.named[name] = {}
                return
            seen.add(reference)
            inner = self.named.get(reference, {})

    def _name(self, place: Spot) -> str:
        if place not in self._names:
            wanted = _readable(place)
            if wanted in self._taken:
                wanted = f"{wanted}_{_hash(f'{place.document}#{place.pointer}')}"
            self._names[place] = wanted
            self._taken[wanted] = place
        return self._names[place]

    # --- keywords ----------------------------------------------------------------------------------

    def _keywords(self, node: Json, spot: Spot) -> dict[str, Any]:
        is_part, self._is_part = self._is_part, False
        written: dict[str, Any] = keywords.kind(node, spot, self._tell)
        for key in node:
            if key not in _SILENT and not key.startswith("x-"):
                written |= self._plain_keyword(key, node, spot) or self._schema_keyword(key, node[key], spot.of(key))
        examples = node.get("examples")
        if "example" in node:
            written["example"] = node["example"]
        elif isinstance(examples, list) and examples:
            written["example"] = examples[0]
        return coherence.coherent(written, spot, self._tell, is_part=is_part)

    def _plain_keyword(self, key: str, node: Json, spot: Spot) -> dict[str, Any]:
        """A keyword that holds no schema; empty where it is another, or says nothing."""
        where = spot.of(key)
        if key in keywords.TEXTS:
            return keywords.text(key, node[key], where, self._tell)
        if key in keywords.FLAGS:
            return keywords.flag(key, node[key], where, self._tell)
        if keywords.is_constraint(key):
            return keywords.constraint(key, node, spot, self._tell)
        if key == "required":
            return keywords.required(node[key], where, self._tell)
        if key == "enum":
            return keywords.enum(node[key], where, self._tell)
        return {key: node[key]} if key in _PLAIN else {}

    def _schema_keyword(self, key: str, value: Any, where: Spot) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """A keyword that holds schemas; anything else is unknown."""
        if key in _PLAIN | keywords.TEXTS | keywords.FLAGS | {"required", "enum"} or keywords.is_constraint(key):
            return {}
        if key in _LISTS:
            return self._list(key, value, where)
        if key in _SCHEMA:
            return {key: value if isinstance(value, bool) else self.convert(value, where)}
        one = {"properties": self._properties, "items": self._items, "discriminator": self._discriminator}.get(key)
        if one is not None:
            return one(value, where)
        if key in _MAPS and isinstance(value, Mapping):
            return {key: {name: self.convert(one, where.of(name)) for name, one in value.items()}}
        self._note(where, f"unknown keyword {shown(key)} is ignored")
        return {}

    def _properties(self, value: Any, where: Spot) -> dict[str, Any]:  # noqa: ANN401 - JSON
        if not isinstance(value, Mapping):
            self._note(where, "properties is not an object, and is ignored")
            return {}
        members = {name: one for name, one in value.items() if one is not False}
        return {"properties": {name: self.convert(one, where.of(name)) for name, one in members.items()}}

    def _items(self, value: Any, where: Spot) -> dict[str, Any]:  # noqa: ANN401 - JSON
        if isinstance(value, list):
            return {"prefixItems": [self.convert(one, where.of(index)) for index, one in enumerate(value)]}
        return {"items": self.convert(value, where)} if not isinstance(value, bool) else {}

    def _list(self, key: str, value: Any, where: Spot) -> dict[str, Any]:  # noqa: ANN401 - JSON
        if isinstance(value, Mapping):
            self._note(where, f"{key} is not a list")
            return {key: [self.convert(value, where)]}
        given = value if isinstance(value, list) else []
        parts = [self._part(key, one, where.of(index)) for index, one in enumerate(given)]
        if not parts:
            self._note(where, f"{key} without members is ignored")
        return {key: parts} if parts else {}

    def _part(self, key: str, node: Any, spot: Spot) -> dict[str, Any]:  # noqa: ANN401 - JSON
        self._is_part = key == "allOf"
        written = self.convert(node, spot)
        self._is_part = False
        return written

    def _discriminator(self, value: Any, where: Spot) -> dict[str, Any]:  # noqa: ANN401 - JSON
        if isinstance(value, str):
            return {"discriminator": {"propertyName": value}}
        if not isinstance(value, Mapping) or not isinstance(value.get("propertyName"), str):
            self._note(where, "a discriminator without propertyName is ignored")
            return {}
        mapping = {}
        for name, reference in value.get("mapping", {}).items() if isinstance(value.get("mapping"), Mapping) else ():
            written = str(reference)
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", written)
            where_to = f"#/components/schemas/{written}" if plain else written
            try:
                mapping[name] = f"#/schemas/{self._name(self.library.find(where_to, where.of('mapping', name))[1])}"
            except DanglingError as error:
                self._note(where.of("mapping", name), f"{error}; ignored")
        return {"discriminator": {"propertyName": value["propertyName"], **({"mapping": mapping} if mapping else {})}}

    def _note(self, spot: Spot, said: str) -> None:
        self._tell(Note(spot, said))


def _readable(place: Spot) -> str:
    """A name for a schema, from where it stands."""
    said = [str(part) for part in place.pointer if str(part) not in _GENERIC]
    text = "_".join(said) or place.document.rpartition("/")[2].partition(".")[0]
    clean = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_")
    if clean == text and len(text) <= _LONGEST_NAME:
        return text
    return f"{clean[:_LONGEST_NAME]}_{_hash(text)}".lstrip("_")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
