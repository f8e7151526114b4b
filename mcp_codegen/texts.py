"""The places of a catalog that hold text, and no others: what an enrichment may set.

A place is named by a JSON pointer in which the members of lists stand under their names, so that it stays the same when
others come and go: `/apis/get_invoice/inputs/number/description`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Node = dict[str, Any]

_LISTS: Final = ("inputs", "outputs", "fields")
"""Keys of lists of named fields."""
_SCHEMAS: Final = ("schema", "output")
"""Keys of JSON Schemas."""
_ALTERNATIVES: Final = ("allOf", "anyOf", "oneOf")
_SAID: Final = (
    "name", "title", "description", "tags", "httpMethod", "type", "format", "required", "in", "enum", "const",
    "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems", "nullable", "deprecated", "readOnly", "writeOnly", "destructive",
    "idempotent", "secret", "$ref",
)  # fmt: skip
"""What a text is made from. Examples and defaults are none of it: they may be somebody's data."""
_MOST_VALUES: Final = 30


@dataclass(frozen=True, slots=True)
class Place:
    """One text, there or missing."""

    pointer: str
    unit: str
    """The API, the schema or the catalog that it belongs to, as a pointer."""
    node: Node
    key: str
    """`title` or `description`."""
    is_wanted: bool
    """A place that a reader would miss; else one that only may have a text."""

    @property
    def text(self) -> str:
        """What stands there; empty for nothing."""
        found = self.node.get(self.key, "")
        return found if isinstance(found, str) else ""

    @property
    def facts(self) -> dict[str, Any]:
        """What a text for this place is made from."""
        return facts(self.node)

    @property
    def digest(self) -> str:
        """Of the facts: another one says that the text has to be made anew."""
        return digest(json.dumps([self.key, self.facts], sort_keys=True, ensure_ascii=True))


def places(data: Any) -> dict[str, Place]:  # noqa: ANN401 - JSON
    """Every place of a catalog's data, by pointer. What is no catalog has none where it is none."""
    found: dict[str, Place] = {}
    for one in _catalog(data):
        found.setdefault(one.pointer, one)
    return found


def facts(node: Mapping[str, Any]) -> dict[str, Any]:
    """What a node says of itself, and the names of what stands in it."""
    said = {key: node[key] for key in _SAID if key in node}
    if isinstance(values := said.get("enum"), list):
        said["enum"] = values[:_MOST_VALUES]
    if isinstance(node.get("endpoint"), str):
        said["path"] = node["endpoint"].partition("://")[2].partition("/")[2] or node["endpoint"]
    for key in _LISTS:
        if isinstance(node.get(key), list):
            said[key] = [one["name"] for one in node[key] if isinstance(one, dict) and isinstance(one.get("name"), str)]
    if isinstance(node.get("properties"), dict):
        said["properties"] = sorted(node["properties"])
    return said


def digest(text: str) -> str:
    """A fingerprint that tells a change."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def escaped(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _catalog(data: Any) -> Iterator[Place]:  # noqa: ANN401 - JSON
    if not isinstance(data, dict):
        return
    for key in ("title", "description"):
        yield Place(f"/{key}", "", data, key, is_wanted=True)
    apis = data.get("apis")
    for api in apis if isinstance(apis, list) else ():
        if isinstance(api, dict) and isinstance(api.get("name"), str):
            yield from _api(api, f"/apis/{escaped(api['name'])}")
    schemas = data.get("schemas")
    for name, schema in schemas.items() if isinstance(schemas, dict) else ():
        where = f"/schemas/{escaped(name)}"
        yield from _schema(schema, where, where, is_wanted=True)


def _api(api: Node, where: str) -> Iterator[Place]:
    is_active = api.get("active") is not False
    for key in ("title", "description"):
        yield Place(f"{where}/{key}", where, api, key, is_wanted=is_active)
    for one in _members(api, where, where):
        yield one if is_active else Place(one.pointer, one.unit, one.node, one.key, is_wanted=False)
    yield from _field(api.get("body"), f"{where}/body", where, is_wanted=is_active)


def _members(node: Node, where: str, unit: str) -> Iterator[Place]:
    for key in _LISTS:
        listed = node.get(key)
        seen: dict[str, int] = {}
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and isinstance(name := one.get("name"), str):
                seen[name] = seen.get(name, 0) + 1
                label = escaped(name) if seen[name] == 1 else f"{escaped(name)} ({seen[name]})"
                yield from _field(one, f"{where}/{key}/{label}", unit, is_wanted=True)
    for key in _SCHEMAS:
        for one in _schema(node.get(key), f"{where}/{key}", unit, is_wanted=False):
            if one.pointer != f"{where}/schema/description":  # the field's own stands before it
                yield one


def _field(node: Any, where: str, unit: str, *, is_wanted: bool) -> Iterator[Place]:  # noqa: ANN401 - JSON
    if isinstance(node, dict):
        yield Place(f"{where}/description", unit, node, "description", is_wanted=is_wanted)
        yield from _members(node, where, unit)
        yield from _field(node.get("items"), f"{where}/items", unit, is_wanted=_has_text(node.get("items")))


def _schema(node: Any, where: str, unit: str, *, is_wanted: bool) -> Iterator[Place]:  # noqa: ANN401 - JSON
    if not isinstance(node, dict):
        return
    yield Place(f"{where}/description", unit, node, "description", is_wanted=is_wanted or _has_text(node))
    properties = node.get("properties")
    for name, one in properties.items() if isinstance(properties, dict) else ():
        yield from _schema(one, f"{where}/properties/{escaped(name)}", unit, is_wanted=True)
    for key in ("items", "additionalProperties"):
        yield from _schema(node.get(key), f"{where}/{key}", unit, is_wanted=False)
    for key in _ALTERNATIVES:
        listed = node.get(key)
        for index, one in enumerate(listed if isinstance(listed, list) else ()):
            yield from _schema(one, f"{where}/{key}/{index}", unit, is_wanted=False)


def _has_text(node: Any) -> bool:  # noqa: ANN401 - JSON
    return isinstance(node, dict) and bool(node.get("description"))
