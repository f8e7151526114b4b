"""Keywords of one schema together: without what contradicts itself, and in the words of JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from mcp_codegen.constraints import CONSTRAINTS, constraint_problem
from mcp_codegen.errors import shown
from mcp_codegen.importers.keywords import Json, Tell, number
from mcp_codegen.importers.report import Note, Spot

BESIDE_REFERENCES: Final = frozenset(
    {"description", "title", "readOnly", "writeOnly", "deprecated", "example", "default"}
)
"""What may stand beside a `$ref` in any version, since people mean it."""
_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("format", "contentEncoding", "contentMediaType"),
    "number": ("format",),
    "integer": ("format",),
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "uniqueItems"),
}
_STRUCTURE: Final[Mapping[str, tuple[str, ...]]] = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "prefixItems", "uniqueItems"),
}
_KINDS: Final[Mapping[type, str]] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
_UNTYPED: Final = frozenset({"properties", "items", "prefixItems", "enum", "const", "additionalProperties"})
_ELSEWHERE: Final = frozenset({"$ref", "allOf", "oneOf", "anyOf"})


def coherent(written: dict[str, Any], spot: Spot, tell: Tell, *, is_part: bool) -> dict[str, Any]:
    """The schema without what contradicts itself. is_part: of an `allOf`, whose other parts may say the rest."""
    if "enum" in written:
        written = _enum(written, spot, tell)
    kind = written.get("type")
    if "const" in written and isinstance(kind, str) and not _fits(written["const"], kind):
        written = _without(written, ["type"])
    if kind is None and not is_part and not written.keys() & _ELSEWHERE:
        written = _typed(written, spot, tell)
    if isinstance(written.get("type"), str):
        written = _of_type(written, str(written["type"]), spot, tell)
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        if low in written and high in written and written[low] > written[high]:
            tell(Note(spot, f"{low} is greater than {high}; both are ignored"))
            written = _without(written, [low, high])
    return _complete(_several(written), spot, None if is_part else tell)


def nullable(written: dict[str, Any], node: Json) -> dict[str, Any]:
    """The schema, or null where the node says so in the words of OpenAPI 3.0 or of Swagger's extensions."""
    if node.get("nullable") is not True and node.get("x-nullable") is not True:
        return written
    kind = written.get("type")
    if isinstance(kind, str) and "allOf" not in written:
        values = {"enum": [*written["enum"], None]} if None not in written.get("enum", [None]) else {}
        return {**written, "type": [kind, "null"], **values} if kind != "null" else written
    word = next((word for word in ("oneOf", "anyOf") if word in written), "")
    if word and "allOf" not in written:
        return {**written, word: [*written[word], {"type": "null"}]}
    about = {key: value for key, value in written.items() if key in BESIDE_REFERENCES}
    inner = _without(written, about)
    if inner.keys() == {"allOf"} and len(inner["allOf"]) == 1:
        inner = inner["allOf"][0]
    return {**about, "anyOf": [inner, {"type": "null"}]} if inner else written


def missing_members(schema: Json) -> list[str]:
    """The members that a schema requires and does not describe."""
    properties = schema.get("properties")
    return [name for name in schema.get("required", ()) if name not in properties] if properties is not None else []


def listed(names: Collection[str]) -> str:
    """Names in quotes."""
    return ", ".join(shown(name) for name in sorted(names))


def _typed(written: dict[str, Any], spot: Spot, tell: Tell) -> dict[str, Any]:
    """With the type that its constraints have in common; without them where there is none."""
    found = written.keys() & CONSTRAINTS.keys()
    if not found or (written.keys() & _UNTYPED and not _kinds_of(found) <= {"array"}):
        return _without(written, found)
    kinds = _kinds_of(found)
    if len(kinds) != 1:
        tell(Note(spot, f"without a type, {listed(found)} says nothing, and is ignored"))
        return _without(written, found)
    (kind,) = kinds
    tell(Note(spot, f"it has no type; {listed(found)} makes it {kind}"))
    return {"type": kind, **written}


def _kinds_of(found: Collection[str]) -> set[str]:
    return {"number" if "number" in CONSTRAINTS[key] else CONSTRAINTS[key][0] for key in found}


def _of_type(written: dict[str, Any], kind: str, spot: Spot, tell: Tell) -> dict[str, Any]:
    """Without what says nothing about values of that type."""
    ignored = [key for key in written if key in CONSTRAINTS and _problem(key, written[key], kind)]
    ignored += [key for owner, keys in _STRUCTURE.items() if owner != kind for key in keys if key in written]
    if "allOf" in written:
        ignored = [key for key in ignored if key in CONSTRAINTS]
    for key in ignored:
        tell(Note(spot.of(key), f"{key} says nothing about type {kind}, and is ignored"))
    return _without(written, ignored)


def _problem(key: str, value: object, kind: str) -> bool:
    if kind == "null" or kind not in CONSTRAINTS[key]:
        return True
    return constraint_problem(key, value, kind) is not None


def _enum(written: dict[str, Any], spot: Spot, tell: Tell) -> dict[str, Any]:
    kind, values = written.get("type"), written["enum"]
    if isinstance(kind, list):
        return _without(written, ["type"])
    if kind in _STRUCTURE and not any(isinstance(value, list | Mapping) for value in values):
        return _enum_of_members(written, spot, tell)
    if not isinstance(kind, str) or all(value is None or _fits(value, kind) for value in values):
        return written
    mended = [value if value is None or _fits(value, kind) else _as(value, kind) for value in values]
    if all(value is None or _fits(value, kind) for value in mended):
        tell(Note(spot.of("enum"), f"the enum's values are taken as type {kind}"))
        return {**written, "enum": list({repr(value): value for value in mended}.values())}
    tell(Note(spot.of("enum"), f"the enum's values are not of type {kind}; the type is ignored"))
    return _without(written, ["type", "format", *CONSTRAINTS])


def _enum_of_members(written: dict[str, Any], spot: Spot, tell: Tell) -> dict[str, Any]:
    """Plain values in the enum of a list are meant for its members; of an object they mean nothing."""
    rest, items = _without(written, ["enum"]), written.get("items", {})
    if written["type"] != "array" or not isinstance(items, Mapping) or items.keys() & {"enum", *_ELSEWHERE}:
        tell(Note(spot.of("enum"), f"the enum's values are not of type {written['type']}, and are ignored"))
        return rest
    tell(Note(spot.of("enum"), "the enum's values are taken as those of the array's members"))
    return {**rest, "items": _enum({**items, "enum": written["enum"]}, spot, tell)}


def _several(written: dict[str, Any]) -> dict[str, Any]:
    """Several types, each with the keywords that are its own."""
    kinds = written.get("type")
    if not isinstance(kinds, list) or not written.keys() & (CONSTRAINTS.keys() | {"format", "properties", "items"}):
        return written
    if len([kind for kind in kinds if kind != "null"]) == 1:
        return written
    each = []
    for kind in kinds:
        mine = {key: written[key] for key in CONSTRAINTS if key in written and not _problem(key, written[key], kind)}
        mine |= {key: written[key] for key in _OF_KIND.get(kind, ()) if key in written}
        each.append({"type": kind, **mine})
    used = {"type", *CONSTRAINTS, *(key for keys in _OF_KIND.values() for key in keys)}
    return {"anyOf": each, **_without(written, used)}


def _complete(written: dict[str, Any], spot: Spot, tell: Tell | None) -> dict[str, Any]:
    """Members that are required and not described may be anything."""
    missing = missing_members(written) if "allOf" not in written else []
    if missing and tell is not None:
        tell(Note(spot.of("required"), f"{listed(missing)} is required and not described; any value fits"))
    return (
        {**written, "properties": {**written["properties"], **{name: {} for name in missing}}} if missing else written
    )


def _without(written: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in written.items() if key not in keys}


def _fits(value: object, kind: str) -> bool:
    found = _KINDS.get(type(value), "object")
    return found == kind or (found, kind) == ("integer", "number")


def _as(value: Any, kind: str) -> Any:  # noqa: ANN401 - JSON
    """A value as another type, where it can be nothing else: YAML's `1`, `true` and `1.0` among texts."""
    if kind == "string" and not isinstance(value, list | Mapping):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind in ("integer", "number") and isinstance(value, str):
        found = number(value)
        return value if found is None else found
    if kind == "boolean" and str(value).casefold() in ("true", "false"):
        return str(value).casefold() == "true"
    return value
