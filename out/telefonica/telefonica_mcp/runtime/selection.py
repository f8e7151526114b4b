"""Which of its tools a server offers: those whose names or tags fit patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from ..errors import NotConfigured

Tags = Mapping[str, Sequence[str]]
"""The tags of each tool, by its name."""


def chosen(tags: Tags, include: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """The names that fit a pattern of `include`, if there is one, and none of `exclude`; in their order.

    A pattern is `tag:GLOB`, `name:GLOB`, or a GLOB for names. Raises `NotConfigured` for one that fits no tool, which
    is a slip of the pen, and where nothing is left.
    """
    for pattern in (*include, *exclude):
        if not any(_fits(pattern, name, tags[name]) for name in tags):
            known = sorted({tag for one in tags.values() for tag in one})
            hint = (
                f"The tags are: {', '.join(known[:20])}." if known else "Patterns are name:GLOB, such as name:list_*."
            )
            raise NotConfigured(f"No tool fits the pattern {pattern!r}.", hint)
    kept = [
        name
        for name, of_it in tags.items()
        if (not include or any(_fits(one, name, of_it) for one in include))
        and not any(_fits(one, name, of_it) for one in exclude)
    ]
    if not kept:
        raise NotConfigured("--include and --exclude leave no tool.", "Leave one of them out.")
    return kept


def _fits(pattern: str, name: str, tags: Sequence[str]) -> bool:
    kind, colon, rest = pattern.partition(":")
    if colon and kind == "tag":
        return any(fnmatchcase(tag.casefold(), rest.casefold()) for tag in tags)
    return fnmatchcase(name, rest if colon and kind == "name" else pattern)
