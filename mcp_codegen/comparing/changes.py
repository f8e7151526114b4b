"""A change, what it means for callers, and the version that it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["breaking", "addition", "behaviour", "documentation"]
"""Programs and prompts may fail; there is more than before; something else is sent or hinted; only words changed."""

LEVELS: Final[tuple[Level, ...]] = ("breaking", "addition", "behaviour", "documentation")
_VERSION: Final = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.\d+)?(a|b|rc|\.dev|\.post)?")


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different about one type, or a part of it."""

    path: str
    """From the type: `.lines[].amount`; empty for the type itself."""
    level: Level
    code: str
    """What kind of difference it is; it stays the same from release to release."""
    what: str
    why: str
    """What follows for callers; empty where that is plain."""
    type: str = ""
    """The named type that it is in; empty outside of any."""
    part: str = ""
    """The path from there."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in its place."""

    tool: str
    """The tool's name; empty for what concerns the whole package."""
    where: str
    """`input customerId`, `answer.lines[].amount`; empty for the tool itself."""
    level: Level
    code: str
    what: str
    why: str
    type: str = ""
    """The named type that it is a part of, which other tools may use too; empty outside of any."""
    part: str = ""
    """The path inside of that type."""

    @property
    def sentence(self) -> str:
        """What changed, and what follows from it."""
        return self.said_of(self.where)

    def said_of(self, place: str) -> str:
        """The sentence about another place."""
        said = f"{place} {self.what}" if place else self.what
        return f"{said}: {self.why}" if self.why else said


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that changed from one catalog to another, by tool and then by weight."""

    old_name: str
    old_version: str
    new_name: str
    new_version: str
    changes: tuple[Change, ...]

    def of(self, level: Level) -> tuple[Change, ...]:
        """The changes of one level."""
        return tuple(change for change in self.changes if change.level == level)

    @property
    def asks(self) -> str:
        """The part of the version that has to be raised: `major`, `minor`, `patch` or `none`."""
        if self.of("breaking"):
            return "major"
        return "minor" if self.of("addition") else "patch" if self.changes else "none"

    @property
    def version(self) -> str:
        """The old version, raised as the changes ask."""
        return raised(self.old_version, self.asks)


def raised(version: str, part: str) -> str:
    """The version after it (Semantic Versioning 2.0.0); before 1.0.0 the minor number stands for what breaks.

    An alpha, beta, candidate or development version is followed by the version that it leads to.
    """
    match = _VERSION.match(version)
    if part == "none" or not match:
        return version
    major, minor, patch = (int(number or 0) for number in match.group(1, 2, 3))
    if match[4] and match[4] != ".post":
        return f"{major}.{minor}.{patch}"
    if part == "major" and major:
        return f"{major + 1}.0.0"
    if part == "major" or (part == "minor" and major):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def order(version: str) -> tuple[int, ...]:
    """What versions are sorted by: numbers, and what comes before the whole version."""
    numbers = [int(number) for number in re.split(r"[^\d.]|\.(?=[a-z])", version)[0].split(".") if number]
    stage = {".dev": -4, "a": -3, "b": -2, "rc": -1, "": 0, ".post": 1}
    found = re.search(r"(\.dev|\.post|a|b|rc)(\d+)$", version)
    return (*(numbers + [0] * 4)[:4], stage[found[1] if found else ""], int(found[2]) if found else 0)
