"""Parameters and answers → `pagination`, where a description leaves no doubt: an input that chooses the page, a list.

Nothing is guessed from words. What a person takes out or changes afterwards stays so when the description is imported
again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from mcp_codegen.importers.drafts import Draft

Json = Mapping[str, Any]
Plain = Callable[[dict[str, Any]], Any]

_OFFSETS: Final = {"offset": ("limit",), "skip": ("limit", "take", "top")}
"""Inputs that skip items, and the sizes that go with them: names without case and signs."""
_PAGES: Final = ("page", "pagenumber")
_SIZES: Final = ("perpage", "pagesize", "limit", "size", "maxresults")
_CURSORS: Final = {
    "cursor": "nextcursor",
    "pagetoken": "nextpagetoken",
    "nexttoken": "nexttoken",
    "continuationtoken": "nextcontinuationtoken",
    "marker": "nextmarker",
}
"""Inputs, and the members of the answer that say what they are for the next page."""
_TOTALS: Final = ("xtotalcount", "totalcount", "xtotal")
_FIRST: Final = re.compile(
    r"\b(0|1|zero|one)[ -]?(?:based|indexed)|\b(?:starts?|starting|begins?) (?:at|from|with) (0|1)\b"
)


def policy(api: Json, draft: Draft, plain: Plain) -> dict[str, Any]:
    """`pagination` for an API, or nothing."""
    answer = plain(api["output"]) if isinstance(api.get("output"), dict) else {}
    items = _list_in(answer, plain)
    if api["httpMethod"] != "GET" or "answerType" in api or items is None:
        return {}
    inputs = {_folded(one["name"]): one for one in api.get("inputs", []) if one["in"] == "query"}
    kinds = {name: _kind(one, plain) for name, one in inputs.items()}
    numbers = [name for name, kind in kinds.items() if kind == "integer"]
    size = next((inputs[name]["name"] for name in _SIZES if name in numbers), "")
    found: dict[str, Any] = {}
    if any(name.casefold() == "link" for name in draft.headers) and inputs:
        found = {"type": "link", **_unless("limit", size, "per_page")}
    elif pair := next(((o, s) for o in _OFFSETS for s in _OFFSETS[o] if o in numbers and s in numbers), None):
        offset, limit = (inputs[name]["name"] for name in pair)
        found = {"type": "offset", **_unless("offset", offset, "offset"), **_unless("limit", limit, "limit")}
    elif size and (page := next((name for name in _PAGES if name in numbers), "")):
        found = {"type": "page", **_unless("page", inputs[page]["name"], "page"), **_unless("perPage", size, "perPage")}
        found |= _first(inputs[page], draft)
    else:
        found = next(_cursors(inputs, kinds, answer, plain), {})
        found |= _unless("limit", size, "limit") if found else {}
    total = next((name for name in draft.headers if _folded(name) in _TOTALS), "")
    found |= {**_unless("items", items, ""), **_unless("total", total, "X-Total-Count")} if found else {}
    return {"pagination": found} if found else {}


def fits(policy: Json, inputs: Iterable[str]) -> bool:
    """Whether an API with these inputs still has those that a policy needs."""
    needed = [policy.get(key, key) for key in ("offset", "page", "cursor") if policy.get("type") == key]
    return {*needed, *(policy[key] for key in ("limit", "perPage") if key in policy)} <= set(inputs)


def _cursors(inputs: Json, kinds: Mapping[str, str], answer: Json, plain: Plain) -> Iterator[dict[str, Any]]:
    """The policy of a cursor that the answer has one next value for, at its top or one object further in."""
    for name, wanted in _CURSORS.items():
        if kinds.get(name) not in ("string", "integer"):
            continue
        places: list[tuple[str, ...]] = [
            (key,) for key, _ in _members(answer, plain, "string", "integer") if _folded(key) == wanted
        ]
        for outer, schema in _members(answer, plain, "object"):
            inner = _members(schema, plain, "string", "integer")
            places += [(outer, key) for key, _ in inner if _folded(key) == wanted]
        if len(places) == 1:
            pointer = _pointer(*places[0])
            cursor = _unless("cursor", inputs[name]["name"], "cursor")
            yield {"type": "cursor", **cursor, **_unless("next", pointer, "/nextCursor")}


def _first(page: Json, draft: Draft) -> dict[str, Any]:
    """The number of the first page, as its default, its minimum or its words have it."""
    inner = page.get("schema")
    schema: Json = inner if isinstance(inner, Mapping) else page
    known = [value for value in (page.get("default"), schema.get("default"), schema.get("minimum")) if value in (0, 1)]
    said = _FIRST.search(str(page.get("description", "")).casefold())
    if not known and said:
        known = [0 if (said[1] or said[2]) in ("0", "zero") else 1]
    if not known:
        draft.tell("its pages are taken to be counted from 1, which the description does not say")
    return {"first": 0} if known and int(known[0]) == 0 else {}


def _list_in(answer: Json, plain: Plain) -> str | None:
    """Where the one list stands in the answer; None where there is none, or several."""
    if answer.get("type") == "array":
        return ""
    lists = [name for name, _ in _members(answer, plain, "array")] if answer.get("type") == "object" else []
    return _pointer(lists[0]) if len(lists) == 1 else None


def _members(schema: Json, plain: Plain, *kinds: str) -> Iterator[tuple[str, Json]]:
    """The members of these types that are answered."""
    properties = schema.get("properties")
    for name, one in properties.items() if isinstance(properties, Mapping) else ():
        settled = plain(one) if isinstance(one, dict) else {}
        kind = settled.get("type")
        nullable = [each for each in kind if each != "null"] if isinstance(kind, list) else [kind]
        if len(nullable) == 1 and nullable[0] in kinds and settled.get("writeOnly") is not True:
            yield name, settled


def _kind(one: Json, plain: Plain) -> str:
    inner = one.get("schema")
    written: Json = inner if isinstance(inner, Mapping) else one
    settled = plain({"$ref": written["$ref"]}) if "$ref" in written else written
    return str(settled.get("type", ""))


def _pointer(*names: str) -> str:
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _unless(key: str, value: str, default: str) -> dict[str, str]:
    return {key: value} if value and value != default else {}
