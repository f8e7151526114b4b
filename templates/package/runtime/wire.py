"""From arguments to the parts of a request: nothing that a caller passes can reach another path, host or header."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from pydantic import MISSING
from pydantic_core import from_json, to_json

from ..errors import InvalidArguments

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NOT_IN_HEADERS = re.compile(r"[^\x20-\x7e]")


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON for the arguments that were given; an explicit null stays. Raises `InvalidArguments` for what has none."""
    return {name: _json(name, value) for name, value in values.items() if value is not MISSING}


def _json(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    try:
        return from_json(to_json(value, by_alias=True), allow_inf_nan=False)
    except ValueError as error:
        message = f"Nothing was sent: {name}: this has no form in JSON."
        raise InvalidArguments(message, "Pass text, a number, a boolean, a list, an object or null.") from error


def fill(path: str, values: Mapping[str, Any]) -> str:
    """The path with each placeholder replaced by one quoted segment."""
    return _PLACEHOLDER.sub(lambda match: segment(match[1], values[match[1]]), path)


def segment(name: str, value: Any) -> str:  # noqa: ANN401 - any scalar
    """One segment of a path. Raises `InvalidArguments` for what a URL would take as another path."""
    written = text(value)
    if written in ("", ".", ".."):
        raise InvalidArguments(f"{name}: {written!r} cannot stand in a path.", "Pass the identifier itself.")
    return quote(written, safe="")


def query_string(values: Mapping[str, Any]) -> str:
    """`?a=1&b=2`, or nothing; a list repeats its name (OpenAPI's form style, exploded)."""
    pairs = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in _pairs(values))
    joined = "&".join(pairs)
    return f"?{joined}" if joined else ""


def header_values(values: Mapping[str, Any]) -> dict[str, str]:
    """Headers for the arguments that were given. Raises `InvalidArguments` for what cannot stand in one."""
    headers = {name: text(value) for name, value in values.items() if value is not MISSING and value is not None}
    for name, value in headers.items():
        if _NOT_IN_HEADERS.search(value) or value != value.strip():
            raise InvalidArguments(f"{name}: this cannot stand in a header.", "Use printable ASCII characters.")
    return headers


def text(value: Any) -> str:  # noqa: ANN401 - any scalar
    """A scalar as it stands in a URL or a header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _pairs(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if value is MISSING or value is None:
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            yield name, text(one)
