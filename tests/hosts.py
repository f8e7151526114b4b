"""What the strictest hosts ask of a listing, all of them together: an independent reading of their documents.

Names: Anthropic `[A-Za-z0-9_-]{1,64}`, OpenAI the same, Gemini begins with a letter. Keys of arguments: Anthropic
`[A-Za-z0-9_.-]{1,64}`, one that is not makes it refuse the whole request. Schemas: OpenAI and Anthropic want an object
without a union at the root, many resolve no reference outside of the schema. Descriptions: OpenAI 1,024 characters.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

TOOL_BYTES = 16_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


def refusals(listing: Mapping[str, Any]) -> list[str]:
    """Everything in the result of `tools/list` that one of them refuses."""
    return list(_refusals(listing["tools"]))


def size(tool: Mapping[str, Any]) -> int:
    """Bytes of a tool on the wire."""
    return len(json.dumps(tool, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def _refusals(tools: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for name, count in Counter(tool["name"] for tool in tools).items():
        if count > 1:
            yield f"{name}: {count} tools have this name"
    for tool in tools:
        name = tool["name"]
        if not _NAME.fullmatch(name):
            yield f"{name}: the name"
        if len(tool.get("description", "")) > 1024:
            yield f"{name}: the description has {len(tool['description'])} characters"
        if size(tool) > TOOL_BYTES:
            yield f"{name}: {size(tool)} bytes"
        for part in ("inputSchema", "outputSchema"):
            if part in tool:
                yield from (f"{name}: {part}: {said}" for said in _refused(tool[part]))


def _refused(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object":
        yield "the root is no object"
    for word in ("oneOf", "anyOf", "allOf", "enum", "not", "$ref"):
        if word in schema:
            yield f"{word} at the root"
    try:
        Draft202012Validator.check_schema(schema)
    except Exception as error:
        yield f"no JSON Schema: {str(error)[:200]}"
    used = set()
    for inner in _schemas(schema):
        yield from (f"the key {key!r}" for key in inner.get("properties", {}) if not _KEY.fullmatch(key))
        missing = set(inner.get("required", ())) - inner.get("properties", {}).keys()
        if missing and "properties" in inner:
            yield f"required, and no property: {sorted(missing)}"
        if "$ref" in inner:
            used.add(inner["$ref"])
    known = {f"#/$defs/{key}" for key in schema.get("$defs", {})}
    yield from (f"the reference {one} leads nowhere" for one in sorted(used - known))
    yield from (f"{one} is not used" for one in sorted(known - used))


def _schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    yield schema
    for word in _MAPS:
        for inner in schema.get(word, {}).values():
            yield from _schemas(inner)
    for word in _LISTS:
        for inner in schema.get(word, ()):
            yield from _schemas(inner)
    for word in _SINGLE:
        yield from _schemas(schema.get(word))
