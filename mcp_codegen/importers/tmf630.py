"""The preset `tmf630`: what TM Forum's servers take beyond what their descriptions say (TMF630).

Lists take a filter for each attribute of what they list, and `fields`, `offset`, `limit` and `sort`; they come in
pages, with the header `X-Total-Count`. `/hub` and `/listener` register and receive notifications, which is no work for
a tool.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from mcp_codegen.importers import fields
from mcp_codegen.importers.drafts import Draft

_COMMON: Final = (
    ("fields", {"description": "The attributes to answer, separated by commas.", "type": "string"}),
    ("offset", {"description": "How many resources to skip.", "type": "integer", "minimum": 0}),
    ("limit", {"description": "How many resources to answer at most.", "type": "integer", "minimum": 0}),
    ("sort", {"description": "The attributes to sort by, with commas; a minus in front sorts down.", "type": "string"}),
)  # fmt: skip
_KEPT: Final = frozenset({"type", "format", "enum", "schema", "$ref"})


def fits(drafts: Iterable[Draft]) -> bool:
    """Whether the description looks like one of TM Forum's, for which this preset is meant.

    Theirs register listeners at `/hub`, and their lists take `fields`, `offset` and `limit`.
    """
    has_hub = has_list = False
    for draft in drafts:
        inputs = {one["name"] for one in draft.api.get("inputs", []) if one["in"] == "query"}
        has_hub = has_hub or (draft.key.startswith("POST ") and draft.key.endswith("/hub"))
        has_list = has_list or inputs >= {"fields", "offset", "limit"}
    return has_hub and has_list


def adapt(api: dict[str, Any], draft: Draft, plain: Callable[[dict[str, Any]], Any]) -> None:
    """Change the API as the preset says."""
    path = str(api["endpoint"])
    if re.search(r"(^|/)(hub|listener)(/|$)", path):
        api["active"] = False
        draft.tell("notifications are no tools: inactive by the preset")
        return
    resource = _listed(api, plain)
    if api["httpMethod"] != "GET" or path.endswith("}") or resource is None:
        return
    inputs = list(api.get("inputs", []))
    taken = {one["name"] for one in inputs if one["in"] == "query"}
    more = [{"name": name, "in": "query", "required": False, **about} for name, about in _COMMON if name not in taken]
    for name, schema in resource["properties"].items():
        one = plain(schema) if isinstance(schema, dict) else {}
        if name in taken | {other["name"] for other in more} or not fields.is_scalar(one):
            continue
        written = {key: value for key, value in fields.field(schema).items() if key in _KEPT}
        more.append(
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": f"Only those whose {name} is this.",
                **written,
            }
        )
    api["inputs"] = [*inputs, *more]
    kinds = {one["name"]: one.get("type") for one in api["inputs"] if one["in"] == "query"}
    if kinds["offset"] == kinds["limit"] == "integer":
        api["pagination"] = {"type": "offset"}


def _listed(api: Mapping[str, Any], plain: Callable[[dict[str, Any]], Any]) -> Mapping[str, Any] | None:
    """The plain schema of what a list answers; None where the answer is no list of objects."""
    output = api.get("output")
    whole = plain(output) if isinstance(output, dict) else {}
    items = whole.get("items")
    one = plain(items) if whole.get("type") == "array" and isinstance(items, dict) else {}
    return one if fields.is_object(one) else None
