"""A model's answer → texts for the places that were asked for. Nothing else of an answer is ever looked at."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mcp_codegen import linting
from mcp_codegen.enrichment import prompting
from mcp_codegen.enrichment.planning import Question
from mcp_codegen.linting import Finding, Written
from mcp_codegen.texts import Place
from mcp_codegen.trimming import shortened

LONGEST: Final[Mapping[str, int]] = {"title": 80, "field": 400, "description": 1_000}
"""Characters of a text, by what it is for."""
_HUGE: Final = 4
"""So many times too long, a text is none that could be shortened."""
_LARGEST: Final = 400_000
"""Characters of an answer that is looked at."""
_LINK: Final = "url"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an answer gave."""

    texts: dict[str, str] = field(default_factory=dict)
    """By pointer."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why, by pointer."""


def kind(place: Place) -> str:
    """What a text is for: a title, a field, or something that takes paragraphs."""
    if place.key == "title":
        return "title"
    parts = place.pointer.count("/")
    return "description" if parts == (3 if place.unit else 1) else "field"


def take(content: str, question: Question, data: Mapping[str, Any]) -> Taken:
    """The texts in an answer that may stand where they were asked for."""
    taken = Taken()
    found = _read(content)
    texts: dict[str, str] = {}
    for key, place in zip(prompting.keys(question), question.places, strict=True):
        said = found.get(key)
        if not isinstance(said, str) or not said.strip():
            taken.refused[place.pointer] = "the answer has no text for it"
        elif text := _tidy(said, place):
            texts[place.pointer] = text
        else:
            taken.refused[place.pointer] = "the text is too long, or says nothing"
    taken.refused.update(_objections(texts, question, data))
    taken.texts.update({at: text for at, text in texts.items() if at not in taken.refused})
    return taken


def _read(content: str) -> Mapping[str, Any]:
    if len(content) > _LARGEST:
        return {}
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _tidy(said: str, place: Place) -> str:
    """The text without what no text needs, in one line, one paragraph or a few; empty where it cannot be mended."""
    longest = LONGEST[kind(place)]
    if len(said) > longest * _HUGE:
        return ""
    seen = "".join(_plain(one) for one in unicodedata.normalize("NFC", said))
    paragraphs = (
        [" ".join(one.split()) for one in seen.split("\n\n")]
        if kind(place) == "description"
        else [" ".join(seen.split())]
    )
    return shortened("\n\n".join(one for one in paragraphs if one), longest)


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if character == "\n":
        return character
    return " " if character.isspace() else "" if category in ("Cc", "Cs", "Co", "Cn") else character


def _objections(texts: Mapping[str, str], question: Question, data: Mapping[str, Any]) -> dict[str, str]:
    """Why texts are none that can be used, by pointer: what the linter flags, and links that the facts do not have."""
    before = _reviewed({place.pointer: place.text for place in question.places}, data)
    known = {(one.place, one.said) for one in before}
    objections: dict[str, str] = {}
    for one in _reviewed(texts, data):
        if one.is_flagged or (one.rule == _LINK and (one.place, one.said) not in known):
            objections.setdefault(one.place, f"{one.said} [{one.rule}]")
    return objections


def _reviewed(texts: Mapping[str, str], data: Mapping[str, Any]) -> list[Finding]:
    return list(linting.review([Written((), at, text, "text") for at, text in texts.items()], data))
