"""What a tool is for, and what a question wants: listing, searching, reading, creating, changing or deleting things."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .vocabulary import Act, acts, known, may_be_noun
from .wording import is_plural, stem, telling, words_of

_READING = frozenset({"list", "search", "read"})
_SAME_ACT, _BOTH_READ, _OTHER_ACT = 1.4, 1.15, 0.7
_SAME_NUMBER, _OTHER_NUMBER = 1.25, 0.8
_SEGMENT = re.compile(r"[^_./]+")
_BESIDE = frozenset("by for from in of on to with and or via as at de del en para por con".split())  # noqa: SIM905
"""Words behind which a name goes on with other things: the tasks of `getTasksForProject`."""
_ASKING = frozenset("""
    what which who whose where when is are was were does did has have que cual cuales quien quienes donde cuando cuanto
    cuanta cuantos cuantas
    """.split())  # noqa: SIM905 - as they are said
"""With which questions begin that want to know something; `how` and `can` may ask for anything."""
_SEVERAL = frozenset("all every which many multiple cuales cuantas cuantos todas todos".split())  # noqa: SIM905
_SINGLE = frozenset("detail details detalle detalles single specific one".split())  # noqa: SIM905
_BEGINNING = 40
"""Characters of a description in which its verb stands, if it begins with one."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What is done to things. Of what is empty or None nothing is known."""

    acts: frozenset[Act] = frozenset()
    of_many: bool | None = None
    """Whether several things are read, or one."""

    def fitness(self, other: Purpose) -> float:
        """What the score of a tool with that other purpose is multiplied with, where this one is wanted."""
        how = 1.0
        if self.acts and other.acts:
            both_read = self.acts <= _READING and other.acts <= _READING
            how *= _SAME_ACT if self.acts & other.acts else _BOTH_READ if both_read else _OTHER_ACT
        if self.of_many is not None and other.of_many is not None:
            how *= _SAME_NUMBER if self.of_many == other.of_many else _OTHER_NUMBER
        return how


def of_tool(tool: Mapping[str, Any]) -> Purpose:
    """That of a tool in a listing: by its name, title and description, else by its annotations."""
    name, title = words_of(str(tool["name"])), words_of(str(tool.get("title", "")))
    found = (
        next(filter(None, (_leading(words_of(one)) for one in _SEGMENT.findall(str(tool["name"])))), None)
        or _leading(title)
        or _leading(name[-1:])
        or _leading(words_of(str(tool.get("description", ""))[:_BEGINNING]))
        or frozenset[Act]({"read"} if tool.get("annotations", {}).get("readOnlyHint") else ())
    )
    if found & {"list", "search"}:
        return Purpose(found, of_many=True)
    return Purpose(found, _names_many(name) or _names_many(title) if "read" in found else None)


def of_question(words: Sequence[str]) -> Purpose:
    """That of what somebody asks for, in words."""
    stems = [known(word) for word in telling(words)]
    verbs = [acts()[one] for one in stems if one in acts() and (one == stems[0] or not may_be_noun(one))]
    if _wants_to_know(words, has_verb=bool(verbs)):
        verbs = [verb for verb in verbs if verb in _READING] or ["read"]
    found = frozenset(verbs[:1])
    one = any(word in _SINGLE or any(map(str.isdigit, word)) for word in words)
    many = bool(found & {"list", "search"}) or any(word in _SEVERAL or is_plural(word) for word in words)
    return Purpose(found, many if one != many and found <= _READING else None)


def _wants_to_know(words: Sequence[str], *, has_verb: bool) -> bool:
    """Whether it is a question, or names a thing and no more: `balance of the account`."""
    first, second = [*words[:2], "", ""][:2]
    if first in _ASKING or (first == "how" and second in ("many", "much")):
        return True
    return not has_verb and (second in ("of", "de") or is_plural(first))


def _leading(words: Sequence[str]) -> frozenset[Act]:
    """The acts with which words begin: both of `createOrUpdateThing`."""
    found = set[Act]()
    for word in words:
        if (one := stem(word)) in acts():
            found.add(acts()[one])
        elif word != "or" or not found:
            break
    return frozenset(found)


def _names_many(words: Sequence[str]) -> bool:
    """Whether what stands behind the verb, or before one that stands last, is in the plural."""
    verb = next((at for at, word in enumerate(words) if stem(word) in acts()), -1)
    things = words[verb + 1 :] or words[: max(verb, 0)]
    until = next((at for at, word in enumerate(things) if word in _BESIDE), len(things))
    return until > 0 and is_plural(things[until - 1])
