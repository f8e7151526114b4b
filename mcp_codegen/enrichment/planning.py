"""Which texts are asked for, and in which requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from mcp_codegen.descriptions import Entry, is_stale
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.texts import Place, facts

MOST_TEXTS: Final = 24
"""Of one request."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one request asks for: texts of one API, one type, or the catalog."""

    unit: str
    about: Mapping[str, Any]
    """The facts of the API, the type or the catalog."""
    places: tuple[Place, ...]

    @property
    def halves(self) -> tuple[Question, ...]:
        """The same in two; itself where it is but one."""
        middle = len(self.places) // 2
        if not middle:
            return (self,)
        return tuple(self.of(part) for part in (self.places[:middle], self.places[middle:]))

    def of(self, places: Sequence[Place]) -> Question:
        """The same for fewer places."""
        return Question(self.unit, self.about, tuple(places))


def plan(
    places: Mapping[str, Place], texts: Mapping[str, Entry], language: str, only: Sequence[str], *, missing: bool
) -> list[Question]:
    """The questions whose answers are not known yet, in the catalog's order.

    missing: only places of which neither catalog nor texts say anything. Raises `SettingsError` for a pattern that
    fits nothing.
    """
    units: dict[str, list[Place]] = {}
    for place in places.values():
        units.setdefault(place.unit, []).append(place)
    chosen = _chosen(units, only)
    return [
        question
        for unit, all_of_it in units.items()
        if unit in chosen
        for question in _questions(
            unit,
            all_of_it,
            [one for one in all_of_it if _is_wanted(one, texts.get(one.pointer), language, missing=missing)],
        )
    ]


def _is_wanted(place: Place, entry: Entry | None, language: str, *, missing: bool) -> bool:
    if not place.is_wanted:
        return False
    if entry is None:
        return not (missing and place.text)
    if entry.is_persons:
        return False
    return is_stale(entry, place) or bool(language and entry.language != language)


def _questions(unit: str, whole: Sequence[Place], wanted: Sequence[Place]) -> Iterator[Question]:
    about = facts(whole[0].node)
    for start in range(0, len(wanted), MOST_TEXTS):
        yield Question(unit, about, tuple(wanted[start : start + MOST_TEXTS]))


def _chosen(units: Mapping[str, Sequence[Place]], only: Sequence[str]) -> set[str]:
    names = {unit: _name(unit) for unit in units}
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in names.values()):
            raise SettingsError(f"--only {shown(pattern)} fits no API and no type of the catalog; see mcp-codegen list")
    return {unit for unit, name in names.items() if not only or any(fnmatchcase(name, one) for one in only)}


def _name(unit: str) -> str:
    return unit.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
