"""Every text of a catalog that callers can be shown, with where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from mcp_codegen.errors import Pointer
from mcp_codegen.texts import escaped

Kind = Literal["text", "value", "name"]
_TEXTS: Final = frozenset({"title", "description", "summary", "$comment"})
_VALUES: Final = frozenset({"example", "examples", "default", "enum", "const"})
_SILENT: Final = frozenset({
    "endpoint", "baseUrl", "tokenUrl", "sampleCurl", "pythonExample", "$ref", "$schema", "$id", "env",
    "usernameEnv", "passwordEnv", "clientIdEnv", "clientSecretEnv", "lint", "type", "in", "style",
    "httpMethod", "contentType", "answerType", "version", "license", "namespace", "lastModified", "modifiedBy",
    "mapping", "discriminator", "externalDocs", "xml", "redirects", "versioning", "pagination", "scopes",
    "required",
})  # fmt: skip
"""Keys whose values callers are not shown as text, or that have a form of their own."""
_MAPS: Final = frozenset({"properties", "schemas", "gateways", "patternProperties", "dependentSchemas"})
"""Keys whose objects have names for keys."""


@dataclass(frozen=True, slots=True)
class Written:
    """One string."""

    pointer: Pointer
    place: str
    """A JSON pointer with names in place of indexes, where there are names."""
    text: str
    kind: Kind


def strings(data: Any) -> Iterator[Written]:  # noqa: ANN401 - JSON
    """Every string that callers may be shown; data: a catalog as it was read."""
    yield from _strings(data, (), "", "text", are_names=False)


def _strings(
    data: Any,  # noqa: ANN401 - JSON
    pointer: Pointer,
    place: str,
    kind: Kind,
    *,
    are_names: bool,
) -> Iterator[Written]:
    if isinstance(data, str):
        yield Written(pointer, place, data, kind)
    elif isinstance(data, list):
        seen: dict[str, int] = {}
        for index, one in enumerate(data):
            name = one.get("name") if isinstance(one, dict) else None
            part = escaped(name) if isinstance(name, str) else str(index)
            seen[part] = seen.get(part, 0) + 1
            part = part if seen[part] == 1 else f"{part} ({seen[part]})"
            yield from _strings(one, (*pointer, index), f"{place}/{part}", kind, are_names=False)
    elif isinstance(data, dict):
        for key, value in data.items():
            inner, where = f"{place}/{escaped(key)}", (*pointer, key)
            if are_names or kind == "value":  # an example may have anything for keys
                yield Written(where, inner, key, "name")
                yield from _strings(value, where, inner, kind, are_names=False)
            elif key.startswith("x-") or key in _SILENT:
                continue
            else:
                yield from _strings(value, where, inner, _kind(key, value, kind), are_names=key in _MAPS)


def _kind(key: str, value: Any, around: Kind) -> Kind:  # noqa: ANN401 - JSON
    if around == "value" or key in _VALUES:
        return "value"
    if key in ("name", "tags", "code"):
        return "name"
    return "text" if key in _TEXTS or not isinstance(value, str) else "value"
