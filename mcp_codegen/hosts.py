"""What the strictest hosts accept of a listing, and what the user should know about one.

The names, keys and schemas of a listing are made to be accepted; `refusals` looks at what was made, and knows nothing
of how. What cannot be mended here, such as how many tools there are, is a notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mcp_codegen import names
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.errors import Problem, shown
from mcp_codegen.listing import LISTING_BYTES, TOOL_BYTES, Listing
from mcp_codegen.tokens import BUDGET, estimated
from mcp_codegen.trimming import LONGEST_TEXT, PREFIX, size_of

FEWEST: Final = 40
"""Cursor passes no more tools than these to its model."""
FEW: Final = 128
"""OpenAI's and VS Code's limit."""
LONGEST_NAMES: Final = 60
"""Characters of a server's and a tool's name together, in hosts that join them."""
_SEARCH: Final = "serve them with --tools search, which shows three tools that find the others"
_NOT_AT_THE_ROOT: Final = ("oneOf", "anyOf", "allOf", "not", "enum", "$ref")

Json = Any


def notices(catalog: CheckedCatalog, listing: Listing) -> Iterator[Problem]:
    """What is worth a word about a listing."""
    yield from _count(listing)
    yield from _trimmed(listing)
    tools = list(zip(listing.tools, catalog.active, strict=True))
    yield from _long_names(catalog.catalog.name, tools)
    by_case = Counter(str(tool["name"]).casefold() for tool in listing.tools)
    for tool, one in tools:
        if by_case[tool["name"].casefold()] > 1:
            said = f"another tool differs from {shown(one.api.name)} in case alone, and some hosts confuse them"
            yield Problem((*one.pointer, "name"), said, "rename one")
        for refused in refusals(tool):
            yield Problem(one.pointer, f"strict hosts may refuse the tool: {refused}", "simplify the API's types")


def refusals(tool: Mapping[str, Json]) -> Iterator[str]:
    """Why the strictest hosts would refuse a tool."""
    if not names.TOOL_NAME.fullmatch(tool["name"]):
        yield f"its name {shown(tool['name'])}"
    if len(tool.get("description", "")) > LONGEST_TEXT:
        yield "the length of its description"
    if (size := size_of(tool)) > TOOL_BYTES:
        yield f"its {size} bytes"
    for part in ("inputSchema", "outputSchema"):
        if part in tool:
            yield from (f"{said} of its {part}" for said in _refused(tool[part]))


def _long_names(catalog: str, tools: Sequence[tuple[Mapping[str, Json], Operation]]) -> Iterator[Problem]:
    """Told once, at the first of them: a short name for the catalog often mends all."""
    found = [one for tool, one in tools if len(catalog) + len(tool["name"]) > LONGEST_NAMES]
    if found:
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        said = (
            f"{shown(found[0].api.name)}{others}: the catalog's name and the tool's are together longer than the "
            f"{LONGEST_NAMES} characters at which some hosts stop"
        )
        yield Problem((*found[0].pointer, "name"), said, "shorten one of them, if such a host is yours")


def _count(listing: Listing) -> Iterator[Problem]:
    for most, who in ((FEW, "OpenAI and VS Code"), (FEWEST, "Cursor")):
        if len(listing.tools) > most:
            said = f"there are {len(listing.tools)} tools, and some hosts ({who}) stop at {most}"
            yield Problem(("apis",), said, f'set "active": false for those that nobody needs, or {_SEARCH}')
            break
    tokens = sum(map(estimated, listing.tools))
    if tokens > BUDGET:
        said = f"a model that is shown all {len(listing.tools)} tools reads about {tokens} tokens of them"
        yield Problem(("apis",), said, _SEARCH)


def _trimmed(listing: Listing) -> Iterator[Problem]:
    if (size := size_of({"tools": listing.tools})) > LISTING_BYTES:
        said = f"the listing of all tools takes {size} bytes"
        yield Problem(("apis",), said, 'set "active": false for those that nobody needs')
    if partly := listing.trimmed:
        inputs = [name for name, forms in partly.items() if "inputSchema" in forms]
        also = (
            f", {len(inputs)} of them also of their arguments' ({', '.join(map(shown, inputs[:3]))})" if inputs else ""
        )
        said = f"{len(partly)} of {len(listing.tools)} tools show a part of their schemas{also}"
        hint = "nothing to do: calls are checked whole, and the metadata tells what is shown"
        yield Problem(("apis",), said, hint)


def _refused(schema: Mapping[str, Json]) -> Iterator[str]:
    if schema.get("type") != "object" or any(word in schema for word in _NOT_AT_THE_ROOT):
        yield "the root"
    definitions = schema.get("$defs", {})
    yield from (f"the definition {shown(key)}" for key in definitions if not names.INPUT_NAME.fullmatch(key))
    waiting: list[Mapping[str, Json]] = [schema, *definitions.values()]
    while waiting:
        one = waiting.pop()
        if "$ref" in one and one["$ref"].removeprefix(PREFIX) not in definitions:
            yield f"the reference {shown(one['$ref'])}"
        members = one.get("properties", {})
        yield from (f"the key {shown(key)}" for key in members if not names.INPUT_NAME.fullmatch(key))
        waiting += [*members.values(), *one.get("anyOf", ())]
        waiting += [one[word] for word in ("items", "additionalProperties") if isinstance(one.get(word), Mapping)]
