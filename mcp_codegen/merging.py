"""JSON Schemas that are put together from others, as one plain schema each.

`merged` takes `allOf` apart; `variants` tells the alternatives of `oneOf` and `anyOf`. Both work on JSON Schemas as
they were written and follow references only as far as they must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]
Resolve = Callable[[str], Json | None]
"""From a reference to what it stands for; None when there is no such thing."""

ANNOTATIONS: Final = frozenset(
    {"title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "nullable"}
    | {"$comment", "externalDocs", "xml", "$schema", "$id", "contentMediaType", "contentEncoding"}
)
"""What says something about a value and does not change what it may be."""

_LOWEST: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_HIGHEST: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})


def merged(schema: Json, resolve: Resolve) -> Json:
    """The same schema without `allOf`. One that only refers to another, with something to say, stays a reference."""
    return _merged(schema, resolve, frozenset())


def variants(schema: Json) -> list[Json]:
    """The alternatives of a schema without `allOf`, each with what the schema itself says; empty when it has none."""
    word = "oneOf" if "oneOf" in schema else "anyOf"
    written = schema.get(word)
    if not isinstance(written, list):
        return []
    rest = {key: value for key, value in schema.items() if key != word}
    shared = {key: value for key, value in rest.items() if key not in ANNOTATIONS and key != "discriminator"}
    found = [one for one in written if isinstance(one, Mapping)]
    if "anyOf" in shared:
        found = [{"allOf": [one, {"anyOf": shared["anyOf"]}]} for one in found]
        shared.pop("anyOf")
    return [{"allOf": [one, shared]} if shared else one for one in found]


def is_only_required(schema: Json) -> bool:
    """Whether an alternative says no more than which members must be there."""
    return not (schema.keys() - ANNOTATIONS - {"required"})


def _merged(schema: Json, resolve: Resolve, seen: frozenset[str]) -> Json:
    if "allOf" not in schema and not (
        "$ref" in schema and schema.keys() - ANNOTATIONS - {"$ref"} and _is_plain(schema)
    ):
        return schema
    outer = {key: value for key, value in schema.items() if key != "allOf"}
    parts = [part for part in _parts(schema) if part.keys() - ANNOTATIONS]
    if len(parts) == 1 and parts[0].keys() - ANNOTATIONS == {"$ref"} and not (outer.keys() - ANNOTATIONS):
        return {**parts[0], **outer}
    result: dict[str, Any] = {}
    for part in [*_parts(schema), {key: value for key, value in outer.items() if key != "$ref"}]:
        for plain in _flat(part, resolve, seen):
            result = _combined(result, plain)
    return result


def _is_plain(schema: Json) -> bool:
    return not any(key.startswith("x-") for key in schema.keys() - ANNOTATIONS - {"$ref"})


def _parts(schema: Json) -> Iterator[Json]:
    if "$ref" in schema:
        yield {"$ref": schema["$ref"]}
    written = schema.get("allOf", [])
    yield from (part for part in written if isinstance(part, Mapping)) if isinstance(written, list) else ()


def _flat(part: Json, resolve: Resolve, seen: frozenset[str]) -> Iterator[Json]:
    """The plain schemas that a part of an `allOf` comes to; one that is among its own parts adds nothing."""
    reference = part.get("$ref")
    if not isinstance(reference, str):
        yield _merged(part, resolve, seen)
        return
    target = resolve(reference)
    if target is not None and reference not in seen:
        about = {"title", "description", "deprecated", "readOnly", "writeOnly"}  # of the target, not of this value
        plain = _merged(target, resolve, seen | {reference})
        while isinstance(plain.get("$ref"), str):
            further = resolve(plain["$ref"])
            if further is None or plain["$ref"] in seen:
                return
            seen |= {plain["$ref"]}
            plain = _merged(further, resolve, seen)
        yield {key: value for key, value in plain.items() if key not in about}
    if others := {key: value for key, value in part.items() if key != "$ref"}:
        yield others


def _combined(left: Json, right: Json) -> dict[str, Any]:
    """What fits both; where only one can be said, the right one's word counts."""
    result = dict(left)
    for key, value in right.items():
        result[key] = _both(key, left[key], value) if key in left else value
    if left.get("additionalProperties") is False and right.get("additionalProperties") is not False:
        result.pop("additionalProperties", None)
    return result


def _both(key: str, left: Any, right: Any) -> Any:  # noqa: ANN401, PLR0911 - JSON; one line for each kind of keyword
    if left == right:
        return left
    if key == "properties" and isinstance(left, Mapping) and isinstance(right, Mapping):
        again = {name: {"allOf": [left[name], right[name]]} for name in left.keys() & right.keys()}
        return {**left, **right, **again}
    if key == "required" and isinstance(left, list) and isinstance(right, list):
        return sorted({*left, *right})
    if key == "enum" and isinstance(left, list) and isinstance(right, list):
        return [value for value in left if value in right] or right
    if key in _LOWEST and _are_numbers(left, right):
        return min(left, right)
    if key in _HIGHEST and _are_numbers(left, right):
        return max(left, right)
    if key in ("items", "additionalProperties") and isinstance(left, Mapping) and isinstance(right, Mapping):
        return {"allOf": [left, right]}
    if key in ("oneOf", "anyOf") and isinstance(left, list) and isinstance(right, list):
        return [{"allOf": [one, {key: right}]} for one in left]
    return right


def _are_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
