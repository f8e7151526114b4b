"""Texts → what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mcp_codegen import names
from mcp_codegen.errors import Pointer, shown
from mcp_codegen.linting import carried, characters, disguises
from mcp_codegen.linting.findings import Finding
from mcp_codegen.linting.saying import pattern, possible
from mcp_codegen.linting.strings import Written, strings
from mcp_codegen.texts import escaped

LONGEST_TOOL: Final = 1024
"""Characters of a tool's description that hosts are shown."""
LONGEST_READ: Final = 100_000
"""Characters of a text that are looked at; nobody reads on."""
_FROM_PLAIN: Final = 5
"""Shorter texts say nothing to a model."""
_TURNED: Final = re.compile(
    r"\b(?:erongi|tpmorp|snoitcurtsni|metsys|tnatsissa|drawrof|vtaber|cebzcg|vafgehpgvbaf?|flfgrz|nffvfgnag|sbejneq|hfre|resu)\b"
)
_CLOSE: Final = re.compile(
    r"(?:ignore|disregard|forget|override)(?:all|any|every)?(?:of)?(?:the|your|my)?"
    r"(?:previous|prior|above|earlier|preceding)(?:instruction|prompt|direction|guideline|rule|order|command)"
)
"""What is left of the plainest of all when everything but its letters is taken away."""
_NAME: Final = re.compile(r"(?<![\w/#.-])[\w-]+(?![\w/])")
_TOOLISH: Final = re.compile(r"[a-z0-9]_[a-z0-9]|[a-z][A-Z]|[a-z]-[a-z]|\d")


def lint(data: Any, shown_elsewhere: Collection[str] = ()) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """What is wrong with the texts of a catalog's data. shown_elsewhere: places whose texts come from another file."""
    yield from review((one for one in strings(data) if one.place not in shown_elsewhere), data)
    yield from _about_tools(data)


def review(texts: Iterable[Written], data: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """What is wrong with texts for places of a catalog's data."""
    known = _Tools(data)
    seen: dict[tuple[str, bool], tuple[tuple[str, str], ...]] = {}
    for one in texts:
        key = (one.text, one.kind == "text")
        if key not in seen:
            seen[key] = tuple(check(one.text, is_text=key[1]))
        found = (*seen[key], *known.named(one)) if key[1] else seen[key]
        yield from (Finding(rule, one.pointer, one.place, said) for rule, said in dict.fromkeys(found))
        if key[1] and len(one.text) > LONGEST_TOOL:
            yield Finding(
                "too-long", one.pointer, one.place, f"it has {len(one.text)} characters; hosts show {LONGEST_TOOL}"
            )


def _about_tools(data: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """Tools and inputs without a description, and tools that share one."""
    apis = data.get("apis") if isinstance(data, Mapping) else data
    first: dict[str, str] = {}
    for index, api in enumerate(apis if isinstance(apis, list) else ()):
        if not isinstance(api, Mapping) or api.get("active") is False:
            continue
        name, text = str(api.get("name")), str(api.get("description") or "").strip()
        pointer: Pointer = ("apis", index)
        if not text:
            yield Finding("missing", pointer, f"/apis/{escaped(name)}/description", f"{shown(name)} has no description")
        elif (other := first.setdefault(text, name)) != name:
            said = f"{shown(name)} and {shown(other)} have the same description"
            yield Finding("duplicate", (*pointer, "description"), f"/apis/{escaped(name)}/description", said)
        for at, one in enumerate(api.get("inputs") if isinstance(api.get("inputs"), list) else ()):  # type: ignore[arg-type]
            if (
                isinstance(one, Mapping)
                and not one.get("description")
                and not one.get("schema")
                and not one.get("$ref")
            ):
                label = str(one.get("name"))
                place = f"/apis/{escaped(name)}/inputs/{escaped(label)}/description"
                yield Finding("missing", (*pointer, "inputs", at), place, f"{shown(label)} has no description")


def check(text: str, *, is_text: bool = True) -> Iterator[tuple[str, str]]:
    """The rule and what is said, for everything in one text.

    is_text: not a name or an example, which may hold links and data.
    """
    if len(text) > LONGEST_READ:
        yield "unread", f"it has {len(text)} characters; the first {LONGEST_READ} were looked at"
        text = text[:LONGEST_READ]
    yield from (("hidden-characters", said) for said in characters.hidden(text))
    yield from (("mixed-scripts", said) for said in characters.mixed(text))
    if len(text) < _FROM_PLAIN:
        return
    whole, text = text, disguises.squeezed(text)
    yield from (("poses-as-a-conversation", said) for said in carried.markers(text))
    if is_text:
        for one in (text, *disguises.unmasked(text)):
            yield from (("hidden-markup", said) for said in carried.markup(one))
        yield from (("sensitive-place", said) for said in carried.sensitive(text))
        yield from carried.links(text)
        if characters.far(whole):
            yield "far-blanks", "text stands far behind blanks or empty lines"
        yield from (
            ("names-another-tool", f"it directs to {shown(match[1])}") for match in pattern("identifier").finditer(text)
        )
    decoded = []
    for said, meant in carried.encoded(text):
        decoded.append(meant)
        if is_text:
            yield "encoded", said
    if said := instructs([*disguises.readings(text), *(disguises.plain(one) for one in decoded if one)]):
        yield "instructs-a-model", said
    elif match := _CLOSE.search("".join(filter(str.isalpha, disguises.plain(text)))):
        yield "instructs-a-model", f"its letters alone say {shown(match[0])}"
    elif _TURNED.search(disguises.plain(text)) and instructs(disguises.turned(text)):
        yield "instructs-a-model", "read backwards or turned by thirteen letters, it instructs a model"


def instructs(readings: Iterable[str]) -> str:
    """What a text does that instructs a model; empty where it does not."""
    for reading in dict.fromkeys(readings):
        for phrase in possible(reading):
            if match := phrase.pattern.search(reading):
                return f"{phrase.about}: {shown(match[0].strip(' .,:;'))}"
    return ""


class _Tools:
    """The tools of a catalog, and which of their names give them away in a text."""

    def __init__(self, data: Any) -> None:  # noqa: ANN401 - JSON
        apis = data.get("apis") if isinstance(data, Mapping) else data if isinstance(data, list) else None
        listed: Sequence[Any] = apis if isinstance(apis, list) else ()
        called = {name for one in listed if isinstance(one, Mapping) and isinstance(name := one.get("name"), str)}
        called |= {names.tool_name(name) for name in called}
        self._called = {name for name in called if _TOOLISH.search(name)}

    def named(self, one: Written) -> Iterator[tuple[str, str]]:
        """Other tools that a text of an API sends a model to; the catalog's own text may tell how they go together."""
        if not one.place.startswith("/apis/"):
            return
        own = _own(one.place)
        for match in _NAME.finditer(one.text) if self._called else ():
            if match[0] not in self._called:
                continue
            before = one.text[max(0, match.start() - 60) : match.start()]
            if match[0] not in own and pattern("directing").search(before) and pattern("grave").search(one.text):
                yield "names-another-tool", f"it directs to the tool {shown(match[0])}"


def _own(place: str) -> tuple[str, ...]:
    """The names of the tool that a place belongs to."""
    parts = place.split("/")
    name = parts[2].replace("~1", "/").replace("~0", "~") if parts[1:2] == ["apis"] and parts[2:] else ""
    return (name, names.tool_name(name)) if name else ()
