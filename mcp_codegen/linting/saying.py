"""The ways in which texts instruct a model, as they are listed in `phrases/`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

LONGEST_HINT: Final = 4
_FOLDER: Final = Path(__file__).parent / "phrases"
_BETWEEN: Final = r"\W+(?:[\w'.-]+\W+){0,%s}?"
"""Up to so many words between two others."""
_WORD: Final = re.compile(r"[a-z']+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A way to say it."""

    about: str
    """What the text does."""
    pattern: re.Pattern[str]
    hints: frozenset[str]


def possible(reading: str) -> Iterator[Phrase]:
    """The phrases that may be in a plain text: a cheap look at its words spares most patterns."""
    starts = {word[:LONGEST_HINT] for word in _WORD.findall(reading)}
    yield from (phrase for phrase in phrases("english") if not phrase.hints.isdisjoint(starts))
    yield from phrases("others")


@cache
def phrases(name: str) -> tuple[Phrase, ...]:
    """Those of one list, read and compiled when they are first needed."""
    found = _read(name)
    return tuple(
        Phrase(
            one["about"],
            re.compile(_expanded(one["pattern"], found["pieces"])),
            frozenset(one.get("hints", "").split()),
        )
        for one in found["phrases"]
    )


@cache
def pattern(name: str) -> re.Pattern[str]:
    """One of what texts carry."""
    return re.compile(_read("carried")[name], re.IGNORECASE)


@cache
def hiding() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Markup that hides: what is said of it, and what it looks like."""
    return tuple((one["said"], re.compile(one["pattern"], re.IGNORECASE)) for one in _read("carried")["hiding"])


@cache
def marking() -> tuple[re.Pattern[str], ...]:
    """What looks like a piece of a conversation."""
    return tuple(re.compile(one, re.IGNORECASE) for one in _read("carried")["markers"])


@cache
def _read(name: str) -> Any:  # noqa: ANN401 - of this package
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((_FOLDER / f"{name}.yaml").read_text("utf-8"), loader)  # noqa: S506 - a safe one


def _expanded(source: str, pieces: Mapping[str, str]) -> str:
    whole = re.sub(r"<to:(\d)>", lambda match: _BETWEEN % match[1], source)
    return re.sub(r"<(\w+)>", lambda match: pieces[match[1]], whole)
