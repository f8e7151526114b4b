"""How values stand in a path, a query, a header or a cookie: OpenAPI's parameter styles (3.1, Parameter Object).

Every name and value is percent-encoded by itself, so that none can be taken for a separator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pydantic import MISSING, BaseModel
from pydantic_core import to_json, to_jsonable_python

from ..errors import InvalidArguments
from .bases import as_written

SEPARATORS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
"""Between the members of a value that stands in one pair; as OpenAPI's own examples write them."""

RESERVED = ":/?@!$'()*,;"
"""What may stand in a query as it is (RFC 3986, 3.4), but for what separates its pairs or means a space."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Styled:
    """A value that stands in its place in another style than is usual there."""

    value: Any
    style: str
    explode: bool = False
    reserved: bool = False
    """What a URL reserves stands there as it is, but for what would end the value."""


def styled(value: Any, style: str, *, explode: bool) -> Styled:  # noqa: ANN401 - any value
    """The value with its style; the one given here where it has none."""
    return value if isinstance(value, Styled) else Styled(value, style, explode)


def is_given(value: Any) -> bool:  # noqa: ANN401 - any value
    """Whether there is anything to write."""
    inner = value.value if isinstance(value, Styled) else value
    return inner is not MISSING and inner is not None


def text(value: Any) -> str:  # noqa: ANN401 - any value
    """A value as it stands in a URL or a header; what is no scalar as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():
        value = float(value)  # as in JSON bodies
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return as_written(value)
    if isinstance(value, list | tuple | Mapping | BaseModel):
        return to_json(value, by_alias=True).decode()
    return str(value)


def query_pairs(name: str, value: Any) -> Iterator[Pair]:  # noqa: ANN401 - any value
    """The encoded pairs of a query or of a form: several for an array or an object whose members stand apart."""
    one = styled(value, "form", explode=True)
    plain = _plain(one)
    safe = RESERVED if one.reserved else ""
    if one.style == "deepObject" and isinstance(plain, Mapping | list):
        yield from _deep(name, plain, safe)
    elif isinstance(plain, Mapping) and one.explode:
        yield from ((_quoted(key), _quoted(text(inner), safe)) for key, inner in plain.items())
    elif isinstance(plain, list) and one.explode:
        yield from ((_quoted(name), _quoted(text(inner), safe)) for inner in plain)
    elif isinstance(plain, list | Mapping):
        if words := _words(plain, safe):
            yield _quoted(name), SEPARATORS.get(one.style, ",").join(words)
    else:
        yield _quoted(name), _quoted(text(plain), safe)


def path_text(name: str, value: Any) -> str:  # noqa: ANN401 - any value
    """An encoded path segment, or part of one."""
    one = styled(value, "simple", explode=False)
    plain = _plain(one)
    if one.style == "matrix":
        return _matrix(name, plain, explode=one.explode)
    words = _members(plain) if one.explode and isinstance(plain, Mapping) else _words(plain)
    if one.style == "label":
        return "." + ("." if one.explode else ",").join(words)
    return ",".join(words)


def header_text(value: Any) -> str:  # noqa: ANN401 - any value
    """A header's value, not encoded."""
    one = styled(value, "simple", explode=False)
    plain = _plain(one)
    if isinstance(plain, Mapping):
        pairs = [(key, text(inner)) for key, inner in plain.items()]
        return ",".join(f"{k}={v}" if one.explode else f"{k},{v}" for k, v in pairs)
    return ",".join(map(text, plain)) if isinstance(plain, list) else text(plain)


def cookie_pairs(name: str, value: Any) -> Iterator[Pair]:  # noqa: ANN401 - any value
    """The encoded cookies of a value: several for an array or an object whose members stand apart."""
    return query_pairs(name, value)


def _plain(one: Styled) -> Any:  # noqa: ANN401 - any value
    """Models and tuples as JSON's own objects and arrays, without what is not there; scalars as they are."""
    value = one.value
    if one.style == "json":
        return to_json(value, by_alias=True).decode()
    if isinstance(value, BaseModel):
        value = to_jsonable_python(value, by_alias=True)
    if isinstance(value, Mapping):
        return {key: inner for key, inner in value.items() if is_given(inner)}
    return [inner for inner in value if is_given(inner)] if isinstance(value, list | tuple) else value


def _words(plain: Any, safe: str = "") -> list[str]:  # noqa: ANN401 - JSON
    """The encoded members of an array, names and values in turn of an object, or the one value."""
    inside = safe.replace(",", "")  # which stands between the members
    if isinstance(plain, Mapping):
        return [_quoted(word, inside) for key, inner in plain.items() for word in (key, text(inner))]
    return [_quoted(text(inner), inside) for inner in plain] if isinstance(plain, list) else [_quoted(text(plain))]


def _members(plain: Mapping[str, Any]) -> list[str]:
    return [f"{_quoted(key)}={_quoted(text(inner))}" for key, inner in plain.items()]


def _matrix(name: str, plain: Any, *, explode: bool) -> str:  # noqa: ANN401 - JSON
    if explode and isinstance(plain, Mapping):
        return "".join(f";{member}" for member in _members(plain))
    words = _words(plain) if explode else [",".join(_words(plain))]
    return "".join(f";{_quoted(name)}={word}" if word else f";{_quoted(name)}" for word in words)


def _deep(name: str, plain: Mapping[str, Any] | list[Any], safe: str) -> Iterator[Pair]:
    """`name[key]`, at any depth. OpenAPI does not say how a list stands there: its members are numbered, as most do."""
    members = plain.items() if isinstance(plain, Mapping) else enumerate(plain)
    for key, inner in members:
        place = f"{name}[{key}]"
        if isinstance(inner, Mapping | list):
            yield from _deep(place, inner, safe)
        elif inner is not None:
            yield _quoted(place), _quoted(text(inner), safe)


def _quoted(word: str, safe: str = "") -> str:
    try:
        return quote(word, safe=safe)
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise InvalidArguments("Nothing was sent: a text is no Unicode.", "Pass whole characters.") from error
