"""From arguments to the parts of a request: nothing that a caller passes can reach another path, host or header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

from pydantic import MISSING
from pydantic_core import from_json, to_json

from ..errors import InvalidArguments
from .bases import as_written
from .styles import cookie_pairs, header_text, is_given, path_text, query_pairs

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SLASH = re.compile(r"/(?![^{}]*\})")
"""Between segments: a placeholder's name may have slashes of its own."""
_NOT_IN_HEADERS = re.compile(r"[^\x20-\x7e]")
_HINT = "Pass the identifier itself."
MAX_HEADER = 32_768
"""Bytes of one header: servers take between 8 and 32 kB, and many hang up on more without a word."""


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON for the arguments that were given; an explicit null stays. Raises `InvalidArguments` for what has none."""
    return {name: _json(name, value) for name, value in values.items() if value is not MISSING}


def _json(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    try:
        return from_json(to_json(_written(value), by_alias=True), allow_inf_nan=False)
    except ValueError as error:
        message = f"Nothing was sent: {name}: this has no form in JSON."
        raise InvalidArguments(message, "Pass text, a number, a boolean, a list, an object or null.") from error


def _written(value: Any) -> Any:  # noqa: ANN401 - any value
    """Dates in their own words, decimals as numbers, where they stand in no model: models see to theirs."""
    if isinstance(value, date):
        return as_written(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list | tuple):
        return [_written(one) for one in value]
    return {key: _written(one) for key, one in value.items()} if isinstance(value, Mapping) else value


def fill(path: str, values: Mapping[str, Any]) -> str:
    """The path with each placeholder filled in. Raises `InvalidArguments` for what a URL would take as another path."""
    return "/".join(_segment(part, values) if "{" in part else part for part in _SLASH.split(path))


def _segment(template: str, values: Mapping[str, Any]) -> str:
    written = _PLACEHOLDER.sub(lambda match: _filled(match[1], values[match[1]]), template)
    if climbs(written):
        names = " and ".join(_PLACEHOLDER.findall(template))
        raise InvalidArguments(f"{names}: {written!r} cannot stand in a path.", _HINT)
    return written


def climbs(path: str) -> bool:
    """Whether a server could read a dot segment (RFC 3986, 5.2.4) out of it.

    Some proxies decode `%2F` before they look for them, some servers decode twice, take a backslash or a full-width
    form for a slash, or cut off what follows a semicolon.
    """
    read = normalize("NFKC", unquote(unquote(path))).replace("\\", "/")
    return any(segment.partition(";")[0] in (".", "..") for segment in read.split("/"))


def _filled(name: str, value: Any) -> str:  # noqa: ANN401 - any value
    written = path_text(name, value) if is_given(value) else ""
    if not written:
        raise InvalidArguments(f"{name}: {written!r} cannot stand in a path.", _HINT)
    return written


def query_string(values: Mapping[str, Any], own: Mapping[str, str] | None = None) -> str:
    """`?a=1&b=2`, or nothing. own: the credential's parameters, which no argument can take the place of."""
    own = own or {}
    pairs = [pair for name, value in values.items() if is_given(value) for pair in query_pairs(name, value)]
    kept = [pair for pair in pairs if unquote(pair[0]) not in own]
    kept += [pair for name, value in own.items() for pair in query_pairs(name, value)]
    return f"?{'&'.join(f'{name}={value}' for name, value in kept)}" if kept else ""


def header_values(values: Mapping[str, Any]) -> dict[str, str]:
    """Headers for the arguments that were given. Raises `InvalidArguments` for what cannot stand in one."""
    headers = {name: header_text(value) for name, value in values.items() if is_given(value)}
    for name, value in headers.items():
        if _NOT_IN_HEADERS.search(value) or value != value.strip():
            raise InvalidArguments(f"{name}: this cannot stand in a header.", "Use printable ASCII characters.")
        _bounded(name, value)
    return headers


def cookie_header(values: Mapping[str, Any], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The Cookie header, or nothing. own: the credential's cookies, which no argument can take the place of."""
    own = own or {}
    pairs = [pair for name, value in values.items() if is_given(value) for pair in cookie_pairs(name, value)]
    kept = [pair for pair in pairs if unquote(pair[0]) not in own] + list(own.items())
    return {"Cookie": _bounded("Cookie", "; ".join(f"{name}={value}" for name, value in kept))} if kept else {}


def _bounded(name: str, value: str) -> str:
    if len(value) > MAX_HEADER:
        raise InvalidArguments(f"Nothing was sent: the arguments make the header {name} too long.", "Pass less.")
    return value
