"""Tools by words: BM25F over what is said of each tool; above it count their names and purposes."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from math import log
from typing import Any

from . import purpose
from .vocabulary import known, meanings
from .wording import stem, telling, words_of

FIELDS = {"name": 6.0, "title": 5.0, "tags": 2.0, "description": 2.5, "arguments": 0.7, "answer": 0.3}
"""How much a word weighs where it stands."""
EVENNESS = {"name": 0.3, "title": 0.3, "tags": 0.3, "description": 0.6, "arguments": 0.7, "answer": 0.7}
"""How much less a word of a long text weighs: 0, not at all, to 1."""
SATURATION = 2.0
"""How slowly more of the same word counts less."""
OTHER_WORD = 0.7
"""What another word for the same weighs, or one with about the same letters."""
SHARPNESS = 2
"""How much a name that says nothing but what was asked for outweighs the words of a description."""
CANDIDATES = 200
"""Tools whose names are compared with what was asked for."""
LONGEST_QUERY = 64
"""Words; further ones are not looked at."""
LONGEST_ANSWER = 200
"""Names in an answer's schema that are looked at."""
_ALIKE, _COMPARED, _MOST_ALIKE = 0.75, 20, 3
_SHORTEST_ALIKE, _LONGEST_ALIKE = 4, 30
"""Letters of a word that others are compared with."""

Texts = Mapping[str, Sequence[str]]
"""Of a tool: the stems in each field."""


class ToolIndex:
    """An index of a listing's tools. tags: of each tool, by its name."""

    def __init__(self, tools: Sequence[Mapping[str, Any]], tags: Mapping[str, Sequence[str]]) -> None:
        self._names = [str(tool["name"]) for tool in tools]
        self._tags = tags
        self._purposes = [purpose.of_tool(tool) for tool in tools]
        stems: dict[str, str] = {}
        texts = [_texts(tool, tags.get(str(tool["name"]), ()), stems) for tool in tools]
        self._called = [tuple(frozenset(one[field]) for field in ("name", "title") if one[field]) for one in texts]
        self._weights = _weights(texts)
        self._rarities = {one: self._rarity(len(those)) for one, those in self._weights.items()}
        self._by_letters: defaultdict[str, list[str]] = defaultdict(list)

    def find(self, words: str, tags: Sequence[str] = (), limit: int = 5) -> list[str]:
        """The names of the tools that fit best, at most so many: of all, or of those that have one of these tags."""
        asked = {tag.casefold() for tag in tags}
        offered = [
            number
            for number, name in enumerate(self._names)
            if not asked or asked & {one.casefold() for one in self._tags.get(name, ())}
        ]
        names = [self._names[number] for number in (self._ranked(words, offered) if words.strip() else offered)]
        exact = [name for name in names if name == words.strip()]
        return [*exact, *(name for name in names if name not in exact)][:limit]

    def _ranked(self, words: str, offered: Sequence[int]) -> list[int]:
        said = words_of(words)
        joined = [pair for pair in map("".join, pairwise(said)) if stem(pair) in self._weights]  # sub task, e-mail
        meant: dict[str, float] = {}
        scores: defaultdict[int, float] = defaultdict(float)
        for word in [*telling(said), *joined][:LONGEST_QUERY]:
            forms = self._forms(word)
            for form, likeness in forms.items():
                meant[form] = max(likeness, meant.get(form, 0.0))
            found = self._having(forms)
            rarity = self._rarity(len(found))
            for number, weight in found.items():
                scores[number] += rarity * weight / (SATURATION + weight)
        wanted = purpose.of_question(said)
        having = (number for number in offered if number in scores)
        best = heapq.nlargest(CANDIDATES, having, key=lambda number: (scores[number], -number))
        for number in best:
            covered = max((self._covered(called, meant) for called in self._called[number]), default=0.0)
            scores[number] *= (1 + covered) ** SHARPNESS * wanted.fitness(self._purposes[number])
        return sorted(best, key=lambda number: (-scores[number], number))

    def _having(self, forms: Mapping[str, float]) -> Mapping[int, float]:
        """The tools that have one of these stems, and what it weighs there at most."""
        found: dict[int, float] = {}
        for form, likeness in forms.items():
            for number, weight in self._weights[form].items():
                found[number] = max(found.get(number, 0.0), likeness * weight)
        return found

    def _forms(self, word: str) -> dict[str, float]:
        """The stems to look for, and how much each is what was asked for: 0 to 1."""
        asked = stem(word) if stem(word) in self._weights else known(word)
        found = {one: OTHER_WORD for one in meanings().get(asked, ()) if one in self._weights}
        if asked in self._weights:
            found[asked] = 1.0
        return found or self._alike(asked)

    def _alike(self, asked: str) -> dict[str, float]:
        """Stems of about the same letters, for slips of the pen and words that languages share."""
        if not _SHORTEST_ALIKE <= len(asked) <= _LONGEST_ALIKE or not asked.isalpha():
            return {}
        if not self._by_letters:
            for one in self._weights:
                for three in _threes(one):
                    self._by_letters[three].append(one)
        shared = Counter(one for three in _threes(asked) for one in self._by_letters.get(three, ()))
        alike = ((_likeness(asked, one), one) for one, _ in shared.most_common(_COMPARED))
        return {one: OTHER_WORD * how for how, one in heapq.nlargest(_MOST_ALIKE, alike) if how >= _ALIKE}

    def _rarity(self, many: int) -> float:
        """Of a word that so many tools have."""
        return log(1 + (len(self._names) - many + 0.5) / (many + 0.5))

    def _covered(self, called: frozenset[str], meant: Mapping[str, float]) -> float:
        """How much of a name was asked for: from 0 to 1."""
        rarities = self._rarities
        asked = sum(rarities[one] * meant[one] for one in called if one in meant)
        return asked / sum(rarities[one] for one in called) if asked else 0.0


def _likeness(asked: str, one: str) -> float:
    """How alike two words are: from 0 to 1."""
    return max(_ALIKE if one.startswith(asked) else 0.0, SequenceMatcher(None, asked, one, autojunk=False).ratio())


def _threes(word: str) -> frozenset[str]:
    """Each three letters that follow one another, with a blank at both ends."""
    framed = f" {word} "
    return frozenset(framed[at : at + 3] for at in range(len(framed) - 2))


def _weights(texts: Sequence[Texts]) -> Mapping[str, Mapping[int, float]]:
    """What each stem weighs in each tool that has it, by the tool's number."""
    weights: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for field, weight in FIELDS.items():
        usual = sum(len(one[field]) for one in texts) / max(len(texts), 1) or 1.0
        for number, one in enumerate(texts):
            length = 1 - EVENNESS[field] + EVENNESS[field] * len(one[field]) / usual
            for word, times in Counter(one[field]).items():
                those = weights[word]
                those[number] = those.get(number, 0.0) + weight * times / length
    return dict(weights)


def _texts(tool: Mapping[str, Any], tags: Sequence[str], stems: dict[str, str]) -> Texts:
    """The stems of what is said of a tool, by field. stems: those of words that were met before."""

    def stemmed(text: str) -> list[str]:
        words = words_of(text)
        for word in words:
            if word not in stems:
                stems[word] = stem(word)
        return [stems[word] for word in words]

    arguments = tool.get("inputSchema", {}).get("properties", {})
    return {
        "name": stemmed(str(tool["name"])),
        "title": stemmed(str(tool.get("title", ""))),
        "tags": stemmed(" ".join(tags)),
        "description": stemmed(str(tool.get("description", ""))),
        "arguments": stemmed(" ".join(f"{name} {about.get('description', '')}" for name, about in arguments.items())),
        "answer": stemmed(" ".join(list(_members(tool.get("outputSchema", {})))[:LONGEST_ANSWER])),
    }


def _members(schema: object) -> Iterator[str]:
    """The names of a schema's members, at every depth."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            properties = one.get("properties")
            yield from properties if isinstance(properties, Mapping) else ()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
