"""Whether two JSON Schemas take the same values, however they are written; and values to try them with.

Titles, examples, descriptions, and formats that nothing checks have no part in it.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from mcp_codegen.patterns import for_engine

Json = Any
Schema = Any

CHECKED_FORMATS = frozenset({"date", "date-time"})
KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What the strictest hosts take for a property's key."""
_SCALAR_WORDS = frozenset(
    {"pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minItems", "maxItems"}
)


def differences(left: Schema, right: Schema) -> list[str]:
    """Where the schemas take different values. References lead into each root's own `$defs`."""
    return list(_differences(left, right, (left, right), "$", set()))


def _differences(
    left: Schema, right: Schema, roots: tuple[Schema, Schema], path: str, seen: set[tuple[int, int]]
) -> Iterator[str]:
    if (id(left), id(right)) in seen:
        return
    seen.add((id(left), id(right)))
    one, other = _kinds(left, roots[0]), _kinds(right, roots[1])
    if one.keys() != other.keys():
        yield f"{path}: {sorted(one)} and {sorted(other)}"
    for kind in sorted(one.keys() & other.keys()):
        a, b = one[kind], other[kind]
        for word in sorted((a.keys() | b.keys()) & (_SCALAR_WORDS | {"enum", "format"})):
            if a.get(word) != b.get(word):
                yield f"{path}: {word} {a.get(word)!r} and {b.get(word)!r}"
        if kind.startswith("array"):
            yield from _differences(a.get("items", True), b.get("items", True), roots, f"{path}[]", seen)
        if kind.startswith("object"):
            yield from _of_objects(a, b, roots, path, seen)


def _of_objects(
    a: Mapping[str, Any], b: Mapping[str, Any], roots: tuple[Schema, Schema], path: str, seen: set[tuple[int, int]]
) -> Iterator[str]:
    mine, yours = a.get("properties", {}), b.get("properties", {})
    if mine.keys() != yours.keys():
        yield f"{path}: members {sorted(mine)} and {sorted(yours)}"
    if set(a.get("required", ())) != set(b.get("required", ())):
        yield f"{path}: required {a.get('required')} and {b.get('required')}"
    for name in sorted(mine.keys() & yours.keys()):
        yield from _differences(mine[name], yours[name], roots, f"{path}.{name}", seen)
    more = a.get("additionalProperties", True), b.get("additionalProperties", True)
    if False in more:
        if more[0] != more[1]:
            yield f"{path}: additionalProperties {more[0]!r} and {more[1]!r}"
    else:
        yield from _differences(*more, roots, f"{path}.*", seen)


def _kinds(schema: Schema, root: Schema) -> dict[str, dict[str, Any]]:
    """Each JSON type that fits, with what restricts it; `any` for all of them."""
    if schema is True:
        return {"any": {}}
    if "$ref" in schema:
        return _kinds(resolve(schema, root), root)
    if "anyOf" in schema:
        return _union(_kinds(one, root) for one in schema["anyOf"])
    restricted = {word: schema[word] for word in schema.keys() & _SCALAR_WORDS}
    if "pattern" in restricted:
        restricted["pattern"] = for_engine(restricted["pattern"])  # whose meaning is tested where it stands
    if "const" in schema or "enum" in schema:
        restricted["enum"] = frozenset(schema["enum"] if "enum" in schema else [schema["const"]])
    if schema.get("format") in CHECKED_FORMATS and not restricted:
        restricted["format"] = schema["format"]
    words = ("items", "properties", "required", "additionalProperties")
    shape = {word: schema[word] for word in words if word in schema}
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not kinds:
        if restricted.keys() == {"enum"}:
            return {"any": restricted}
        assert not restricted, schema
        assert not shape, schema
        return {"any": {}}
    return {kind: restricted | shape if kind != "null" else {} for kind in kinds}


def resolve(schema: Schema, root: Schema) -> Schema:
    """What a schema is behind its references."""
    while "$ref" in schema:
        key = schema["$ref"].removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
        schema = root["$defs"][key]
    return schema


def as_listed(schema: Schema) -> Schema:
    """What `tools/list` says of an answer's schema: one that may be no object stands under `result`, members with names
    that hosts refuse are not named."""
    schema = _accepted(schema)
    kinds = _kinds(schema, schema)
    if "any" in kinds or all(kind.startswith("object") for kind in kinds):
        return schema
    wrapped = {"type": "object", "properties": {"result": schema}, "required": ["result"]}
    return wrapped | {"$defs": schema.get("$defs", {})}


def _accepted(schema: Schema) -> Schema:
    if isinstance(schema, list):
        return [_accepted(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {word: _accepted(value) for word, value in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found["properties"] = {key: one for key, one in found["properties"].items() if KEY.fullmatch(key)}
        found["required"] = [key for key in found.get("required", ()) if KEY.fullmatch(key)]
    return found


def _union(parts: Iterator[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = {}
    for part in parts:
        for kind, words in part.items():
            if kinds.get(kind) and words and kinds[kind] != words:
                kinds[f"{kind} {len(kinds)}"] = words  # another alternative of the same type
            else:
                kinds[kind] = words if kinds.get(kind, words) else {}  # one of them takes all of the type
    return {"any": {}} if "any" in kinds else kinds


# --- values ----------------------------------------------------------------------------------------------------------

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_STRINGS = (
    "",
    "a",
    "A1",
    "ab",
    "abc-def",
    "x" * 30,
    "12",
    "null",
    "true",
    "2025-12-01",
    "2025-12-31T23:59:59Z",
    "ñ\n😀",
)
_LEAVES = (None, True, False, 0, 1, -1, 7, 10**20, 0.5, -2.25, *_STRINGS)
formats = FormatChecker(formats=())
formats.checks("date")(lambda value: not isinstance(value, str) or bool(_DATE.fullmatch(value)))
formats.checks("date-time")(lambda value: not isinstance(value, str) or bool(re.match(r"\d{4}-\d\d-\d\d", value)))


def _encoded(_: Any, encoding: str, value: Json, __: Any) -> Iterator[ValidationError]:
    try:
        base64.b64decode(value if isinstance(value, str) else "", validate=encoding == "base64")
    except ValueError:
        yield ValidationError("is not encoded so")


_Validator: Any = extend(Draft202012Validator, {"contentEncoding": _encoded})  # type: ignore[no-untyped-call]


def validator(schema: Schema) -> Any:
    """Checks values as JSON Schema says, dates and encodings included."""
    return _Validator(schema, format_checker=formats)


def values(schema: Schema, seed: int, count: int) -> list[Json]:
    """Values that the schema may take or not, most of them nearly: the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - no secret depends on it
    return [_value(schema, schema, draw, 0) for _ in range(count)]


def _value(schema: Schema, root: Schema, draw: random.Random, depth: int) -> Json:
    if draw.random() < 0.06:
        return _anything(draw)
    if schema is True or schema is False:
        return _anything(draw)
    schema = resolve(schema, root)
    if "anyOf" in schema:
        return _value(draw.choice(schema["anyOf"]), root, draw, depth)
    if "enum" in schema and draw.random() < 0.8:
        return draw.choice(schema["enum"])
    kinds = schema.get("type", [])
    kind = draw.choice(kinds or ["any"]) if isinstance(kinds, list) else kinds
    return _of_kind(kind, schema, root, draw, depth)


def _of_kind(kind: str, schema: Mapping[str, Any], root: Schema, draw: random.Random, depth: int) -> Json:
    if kind == "object":
        return _object(schema, root, draw, depth)
    if kind == "array":
        size = 0 if depth > 5 else draw.randrange(max(3, schema.get("maxItems", 0) + 2))
        return [_value(schema.get("items", True), root, draw, depth + 1) for _ in range(size)]
    if kind == "string":
        examples = {"date": "2025-12-01", "date-time": "2025-12-31T23:59:59Z"}
        return examples.get(schema.get("format", "")) or draw.choice((*_STRINGS, *schema.get("examples", ())))
    leaves = {"integer": (0, 1, 2, 5, -3, 10, 100), "number": (0, 1, 0.5, 2.5, -7.25, 99.5), "boolean": (True, False)}
    return draw.choice(leaves[kind]) if kind in leaves else _anything(draw) if kind != "null" else None


def _object(schema: Mapping[str, Any], root: Schema, draw: random.Random, depth: int) -> dict[str, Json]:
    required = schema.get("required", ())
    made = {
        name: _value(inner, root, draw, depth + 1)
        for name, inner in schema.get("properties", {}).items()
        if draw.random() < (0.95 if name in required else max(0.0, 0.6 - depth / 8))
    }
    more = schema.get("additionalProperties", True)
    if draw.random() < (0.1 if more is False else 0.3):
        made[draw.choice(("zz", "other", "ñ"))] = _value(more, root, draw, depth + 1)
    return made


def _anything(draw: random.Random) -> Json:
    return draw.choice((*_LEAVES, [], {}, ["a"], {"zz": 1}))
