"""Types from examples, for descriptions that have no types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mcp_codegen.importers import fields

_VARIABLE: Final = re.compile(r"\{\{[^{}]*\}\}")
_BARE: Final = re.compile(r"\{\{=[^{}]*\}\}")
"""A variable that stood without quotes: its value may be anything."""
_SECRET: Final = re.compile(
    r"(api|access|private|subscription)[-_ ]?key|token|secret|passw(or)?d|passphrase|credential|authorization|session"
    r"|signature|jwt|^(key|sig|pwd|auth)$",
    re.IGNORECASE,
)
_OPAQUE: Final = re.compile(r"eyJ[\w-]+\.[\w.-]+|(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/_=-]{32,}")
"""A token, or what looks like one."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
_DEEPEST: Final = 30


def schema(value: Any, depth: int = 0) -> dict[str, Any]:  # noqa: ANN401, PLR0911 - JSON; one line for each kind
    """A JSON Schema that the value fits, as loose as one example allows."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {} if _BARE.fullmatch(value) else {"type": "string"}
    if value is None or depth > _DEEPEST:
        return {}
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {name: schema(one, depth + 1) for name, one in value.items() if name}}
    return {"type": "array", "items": joined([schema(one, depth + 1) for one in value])}


def joined(found: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What fits all of them."""
    different = list({repr(one): one for one in found}.values())
    if len(different) == 1:
        return different[0]
    kinds = {one.get("type") for one in different}
    if kinds == {"object"}:
        names = dict.fromkeys(name for one in different for name in one["properties"])
        members = {n: joined([one["properties"][n] for one in different if n in one["properties"]]) for n in names}
        return {"type": "object", "properties": members}
    return {"type": "number"} if kinds == {"integer", "number"} else {}


def of_text(text: str) -> dict[str, Any]:
    """The type of a value in a query, a form or a header: numbers and flags only where nothing else is likely."""
    if re.fullmatch(r"-?(0|[1-9]\d{0,8})", text):
        return {"type": "integer"}
    if text in ("true", "false"):
        return {"type": "boolean"}
    if _TIME.fullmatch(text):
        return {"type": "string", "format": "date-time"}
    return {"type": "string", "format": "date"} if _DATE.fullmatch(text) else {"type": "string"}


def text_input(name: str, place: str, text: str, description: str = "", *, required: bool) -> dict[str, Any]:
    """An input that was seen as a text."""
    kind = of_text(text)
    written = {"name": name, "in": place, **({} if required else {"required": False})}
    written |= {"description": description} if description else {}
    value: Any = int(text) if kind["type"] == "integer" else text == "true" if kind["type"] == "boolean" else text
    if is_secret(name):
        return {**written, "type": "string", "secret": True}
    return {**written, **kind} | ({"example": value} if text and may_be_shown(text) else {})


def members(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An input for each member of a JSON body; an example sends them all, so all are required."""
    found = []
    for name, one in value.items():
        if not name or not name.isprintable() or len(name) > 256:  # noqa: PLR2004 - the language's limit
            continue
        kind = fields.field(schema(one))
        written = {"name": name, "in": "body", **kind}
        if is_secret(name) and kind.get("type") in ("string", "any"):
            written["secret"] = True
        elif may_be_shown(one):
            written["example"] = one
        found.append(written)
    return found


def is_secret(name: str) -> bool:
    """Whether a value of that name is likely to be a secret."""
    return _SECRET.search(name) is not None


def may_be_shown(value: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether a value can be an example: neither a Postman variable nor a likely secret stands in it."""
    if isinstance(value, str):
        return not (has_variable(value) or _OPAQUE.fullmatch(value))
    if isinstance(value, Mapping):
        return all(
            not (is_secret(str(name)) and isinstance(one, str)) and may_be_shown(one) for name, one in value.items()
        )
    return all(map(may_be_shown, value)) if isinstance(value, list) else True


def has_variable(value: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether a Postman variable stands somewhere in it."""
    if isinstance(value, str):
        return _VARIABLE.search(value) is not None
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(has_variable(one) for one in inner)
