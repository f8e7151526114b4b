"""JSON Schema → the catalog's own, shorter way of writing a type, where that says the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

Json = Mapping[str, Any]

_ABOUT: Final = ("title", "description", "example", "default", "deprecated")
_SCALARS: Final = frozenset({"string", "integer", "number", "boolean"})
_WORDS: Final = frozenset(
    {"type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"}
    | {"exclusiveMaximum", "multipleOf", "minItems", "maxItems", "items", *_ABOUT}
)
_DROPPED: Final = frozenset({"readOnly", "writeOnly", "contentMediaType", "contentEncoding"})


def field(schema: Json) -> dict[str, Any]:
    """The keys of a field of that type: short ones where they say it all, else the whole under `schema`."""
    about = {key: schema[key] for key in _ABOUT if key in schema}
    rest = {key: value for key, value in schema.items() if key not in _ABOUT and key not in _DROPPED}
    short = _short(rest)
    if short is not None:
        return {**_first(about), **short, **_last(about)}
    return {**_first(about), "schema": rest, **_last(about)}


def _short(rest: Json) -> dict[str, Any] | None:
    """The type in the catalog's words; None where they do not suffice."""
    if rest.keys() == {"$ref"}:
        return dict(rest)
    if not rest:
        return {"type": "any"}
    if rest.keys() - _WORDS:
        return None
    kind, nullable = rest.get("type"), False
    if isinstance(kind, list) and len(kind) == 2 and "null" in kind:  # noqa: PLR2004 - a type, and null
        kind, nullable = next((one for one in kind if one != "null"), None), True
    if not isinstance(kind, str):
        return None
    written: dict[str, Any] = {"type": kind}
    if kind == "object" and not rest.keys() - {"type"}:
        pass
    elif kind == "array":
        items = field(rest["items"]) if isinstance(rest.get("items"), Mapping) else {"type": "any"}
        written |= {**{key: value for key, value in rest.items() if key not in ("type", "items")}, "items": items}
    elif kind in _SCALARS:
        values = [one for one in rest.get("enum", ()) if one is not None or not nullable]
        written |= {key: value for key, value in rest.items() if key != "type"} | ({"enum": values} if values else {})
    else:
        return None
    return written | ({"nullable": True} if nullable else {})


def _first(about: Json) -> dict[str, Any]:
    return {key: about[key] for key in ("title", "description") if key in about}


def _last(about: Json) -> dict[str, Any]:
    return {key: about[key] for key in ("example", "default", "deprecated") if key in about}


def is_object(schema: Json) -> bool:
    """Whether a plain schema is an object with members that have names."""
    return isinstance(schema.get("properties"), Mapping) and schema.get("type", "object") == "object"


def is_scalar(schema: Json) -> bool:
    """Whether a plain schema is one text, number or flag."""
    kind = schema.get("type")
    named = [one for one in kind if one != "null"] if isinstance(kind, list) else [kind]
    return len(named) == 1 and named[0] in _SCALARS


def is_file(schema: Json) -> bool:
    """Whether a plain schema is bytes outside of JSON."""
    if schema.get("format") == "binary":
        return True
    kind = schema.get("type", "string")
    return kind == "string" and "contentMediaType" in schema and schema.get("contentEncoding", "binary") == "binary"


def default_kept(written: dict[str, Any]) -> dict[str, Any]:
    """The field with its default where the language can send it; else the description tells it."""
    if "default" not in written:
        return written
    value, kind = written["default"], written.get("type")
    formats = ("date", "date-time")
    fits = {"string": str, "integer": int, "number": int | float, "boolean": bool}
    plain = kind in fits and written.get("format") not in formats and isinstance(value, fits[str(kind)])
    if isinstance(value, bool) and kind != "boolean":
        plain = False
    if plain and value in written.get("enum", [value]):
        return written
    rest = {key: one for key, one in written.items() if key != "default"}
    return rest if value is None else described(rest, f"Default: {json.dumps(value, ensure_ascii=False)[:500]}.")


def described(written: dict[str, Any], more: str) -> dict[str, Any]:
    """The field with a further sentence in its description."""
    said = str(written.get("description", "")).rstrip()
    text = f"{said}{'' if not said or said.endswith(('.', '!', '?')) else '.'} {more}".strip()
    rest = {key: value for key, value in written.items() if key not in ("title", "description")}
    return {**({"title": written["title"]} if "title" in written else {}), "description": text, **rest}
