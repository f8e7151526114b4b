"""From data to a catalog, and on: what is broken is told and cut out, so that the rest is checked in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import JsonValue, ValidationError

from mcp_codegen.catalog import Catalog, Place
from mcp_codegen.errors import Problem
from mcp_codegen.validation import problems

_ANYWHERE: Final[dict[str, JsonValue]] = {"baseUrl": "https://gateway.invalid"}
_VITAL: Final = frozenset({"name", "httpMethod", "endpoint", "gateway", "active"})
"""Keys of an API without which nothing can be said of the others."""
_NAMED: Final = 3
"""How many parts the pointer of an API's list member has, at least: apis, 2, inputs, 0."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A catalog as far as it could be understood."""

    catalog: Catalog | None
    """Without what is broken; None where nothing is left."""
    problems: tuple[Problem, ...]
    broken: frozenset[int]
    """The indexes of APIs of which nothing more can be said; blanks stand in for them."""


def parse(data: JsonValue) -> Parsed:
    """A catalog, and everything about the shape of the data that keeps it from being one."""
    try:
        return Parsed(Catalog.model_validate(data), (), frozenset())
    except ValidationError as error:
        found = problems(error, Catalog, data)
    if not isinstance(data, dict) or not isinstance(apis := data.get("apis"), list):
        return Parsed(None, tuple(found), frozenset())
    by_api = {index: [one for one in found if one.pointer[:2] == ("apis", index)] for index in range(len(apis))}
    broken = frozenset(index for index, ones in by_api.items() if ones and not _can_be_mended(apis[index], ones))
    blank: JsonValue = {"name": "blank", "httpMethod": "GET", "endpoint": "/", "auth": "none"}
    mended = [blank if index in broken else _mended(api, by_api[index]) for index, api in enumerate(apis)]
    return Parsed(_rest({**data, "apis": mended}, found), tuple(found), broken)


def _can_be_mended(api: JsonValue, found: Sequence[Problem]) -> bool:
    return isinstance(api, dict) and not any(len(one.pointer) < _NAMED or one.pointer[2] in _VITAL for one in found)


def _mended(api: Any, found: Sequence[Problem]) -> Any:  # noqa: ANN401 - JSON
    """The API without its broken keys; a broken input stays as a name, so that the endpoint can still be checked."""
    if not found:
        return api
    inputs = {one.pointer[3] for one in found if one.pointer[2] == "inputs" and len(one.pointer) > _NAMED}
    keys = {one.pointer[2] for one in found} - ({"inputs"} if inputs else set())
    rest = {key: value for key, value in api.items() if key not in keys}
    if inputs and isinstance(rest.get("inputs"), list):
        rest["inputs"] = [_stub(one, index) if index in inputs else one for index, one in enumerate(rest["inputs"])]
    return rest


def _stub(written: Any, index: int) -> dict[str, JsonValue]:  # noqa: ANN401 - JSON
    known = written if isinstance(written, dict) else {}
    name, place = known.get("name"), known.get("in")
    stub: dict[str, JsonValue] = {"name": name if isinstance(name, str) and name else f"input {index}", "type": "any"}
    return stub | ({"in": place} if place in get_args(Place) else {})


def _rest(data: dict[str, JsonValue], found: Sequence[Problem]) -> Catalog | None:
    """The catalog without its other broken parts."""
    kept = dict(data)
    for key in {one.pointer[0] for one in found if one.pointer} - {"apis", "gateways"}:
        kept.pop(str(key), None)
    gateways = kept.get("gateways")
    if isinstance(gateways, dict):
        wrong = {one.pointer[1] for one in found if one.pointer[:1] == ("gateways",) and len(one.pointer) > 1}
        kept["gateways"] = {name: _ANYWHERE if name in wrong else one for name, one in gateways.items()}
    try:
        return Catalog.model_validate({"name": "blank", **kept})
    except ValidationError:
        return None
