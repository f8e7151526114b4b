"""Answers that are more than a model reads, cut to what it does: the first of the largest parts, and what is left out.

The same answer is always cut in the same way, and what is cut is JSON again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from .complaints import printable

CUT = "mcp-codegen/cut"
"""The key under which the metadata of a result says that its text is not the whole, and what was left out."""
WHOLE = "mcp-codegen/whole"
"""The key under which the metadata has the whole, where structured content does not."""
SHOWN_BYTES = 50_000
"""Hosts cut, or refuse, what is more than 25,000 tokens; two bytes a token is the densest that JSON gets."""

_LEAST = 24
"""Bytes in which nothing of a value can be shown."""
_PLACES_TOLD = 5
_ARGUMENTS_TOLD = 8
_LONGEST_PLACE = 120
_CHOOSES_MEMBERS = re.compile(
    r"\$?(?:fields?|select|attributes|columns|properties|projection|(?:field|read)_?mask|include_?fields)",
    re.IGNORECASE,
)
"""Inputs by which APIs let choose the members of an answer (`fields` of TM Forum's, `$select` of OData's)."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One place that was cut: of so many items, members or characters the first `kept` are shown."""

    at: str
    """A JSON pointer."""
    kept: int
    of: int
    what: str

    def __str__(self) -> str:
        return f"{self.at or 'the answer'} has the first {self.kept:,} of {self.of:,} {self.what}"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of an answer, and what is not."""

    data: Any
    left_out: Sequence[LeftOut]

    def notice(self, shown: int, size: int, ways: str) -> str:
        """For a model. shown, size: bytes of the excerpt and of the whole."""
        places = [str(one) for one in self.left_out[:_PLACES_TOLD]]
        places += [f"{len(self.left_out) - _PLACES_TOLD} more places are cut"] * (len(self.left_out) > _PLACES_TOLD)
        return f"CUT: {shown:,} of the answer's {size:,} bytes are shown: {'; '.join(places)}. {ways}"

    def to_dict(self, shown: int, size: int) -> dict[str, Any]:
        """The same for programs."""
        left_out = [{"at": one.at, "kept": one.kept, "of": one.of, "what": one.what} for one in self.left_out]
        return {"shownBytes": shown, "bytes": size, "leftOut": left_out[:100]}


def excerpt_of(data: Any, most: int) -> Excerpt:  # noqa: ANN401 - JSON
    """The start of each part that is too large for its share of so many bytes."""
    cutter = _Cutter()
    return Excerpt(cutter.cut(data, most, ""), tuple(cutter.left_out))


def ways_to_less(tool: str, optional: Sequence[str], going_on: Mapping[str, Any]) -> str:
    """How a caller gets the rest. optional: the tool's arguments that need not be given.

    going_on: the arguments with which the list goes on, in parts that are shown whole.
    """
    said = []
    if going_on:
        changed = ", ".join(f"{name}={value!r}" for name, value in going_on.items())
        said.append(f"To go on in smaller pages call {tool} again with the same arguments and {changed}.")
    choosing = [name for name in optional if _CHOOSES_MEMBERS.fullmatch(name)]
    if choosing:
        said.append(f"Name only the members that you need in {choosing[0]}.")
    if others := [name for name in optional if name not in going_on and name not in choosing]:
        said.append(f"Less is answered to narrower arguments: {', '.join(others[:_ARGUMENTS_TOLD])}.")
    return " ".join(said) or f"{tool} has no argument that asks for less: say that there is more where it matters."


@dataclass(slots=True)
class _Cutter:
    left_out: list[LeftOut] = field(default_factory=list)

    def cut(self, value: Any, most: int, at: str) -> Any:  # noqa: ANN401 - JSON
        """As much of it as so many bytes hold, about; numbers are never cut."""
        if not isinstance(value, str | list | dict) or _size(value) <= most:
            return value
        if isinstance(value, str):
            return self._text(value, most, at)
        return self._items(value, most, at) if isinstance(value, list) else self._members(value, most, at)

    def _text(self, value: str, most: int, at: str) -> str:
        kept = value[: max(most, 0)]
        while kept and (size := _size(kept)) > most:
            kept = kept[: len(kept) * most // size] if most > 0 else ""
        self._leave(at, len(kept), len(value), "characters")
        return f"{kept}…"

    def _items(self, value: list[Any], most: int, at: str) -> list[Any]:
        count = _fitting([_size(item) + 1 for item in value], most - 2)
        kept = value[:count]
        if not kept and most > _LEAST:
            kept = [self.cut(value[0], most - 2, f"{at}/0")]
        self._leave(at, len(kept), len(value), "items")
        return kept

    def _members(self, value: dict[str, Any], most: int, at: str) -> dict[str, Any]:
        """All members, each with its share: small ones are whole, large ones share what is left evenly."""
        names = {name: _size(name) + 2 for name in value}
        left = most - 2 - sum(names.values())
        if left < _LEAST * len(names):
            return self._first_members(value, most, at)
        sizes = {name: _size(inner) for name, inner in value.items()}
        shares = {}
        for place, name in enumerate(sorted(sizes, key=sizes.__getitem__)):
            shares[name] = min(sizes[name], left // (len(sizes) - place))
            left -= shares[name]
        return {name: self.cut(inner, shares[name], _below(at, name)) for name, inner in value.items()}

    def _first_members(self, value: dict[str, Any], most: int, at: str) -> dict[str, Any]:
        count = _fitting([_size(name) + _size(inner) + 2 for name, inner in value.items()], most - 2)
        names = list(value)[:count]
        self._leave(at, count, len(value), "members")
        return {name: value[name] for name in names}

    def _leave(self, at: str, kept: int, of: int, what: str) -> None:
        if kept < of:
            self.left_out.append(LeftOut(at, kept, of, what))


def _size(value: Any) -> int:  # noqa: ANN401 - JSON
    return len(to_json(value))


def _fitting(sizes: Sequence[int], most: int) -> int:
    """How many of the first fit together."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > most:
            return count
    return len(sizes)


def _below(at: str, name: str) -> str:
    return f"{at}/{printable(name).replace('~', '~0').replace('/', '~1')}"[:_LONGEST_PLACE]
