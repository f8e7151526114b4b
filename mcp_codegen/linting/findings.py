"""What the linter finds, and how grave it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mcp_codegen.errors import Pointer

Level = Literal["error", "warning", "note"]
LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note")
"""Errors and warnings flag a text; notes say what would make it better."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for."""

    level: Level
    about: str
    hint: str


RULES: Final[Mapping[str, Rule]] = {
    "instructs-a-model": Rule(
        "error",
        "Text that tells a model what to do, instead of telling what the API does.",
        "describe what the API does; leave what a model shall do to its user",
    ),
    "poses-as-a-conversation": Rule(
        "error",
        "Markers of a conversation, such as a system message, that a model may take for one.",
        "remove the markers",
    ),
    "hidden-characters": Rule(
        "error",
        "Characters that no reader sees: zero-width, bidirectional, tags, controls, private use.",
        "remove them",
    ),
    "hidden-markup": Rule(
        "error",
        "HTML or Markdown that a page does not show, or that loads or runs something.",
        "write what is meant as plain text",
    ),
    "mixed-scripts": Rule(
        "warning",
        "A word with letters of several scripts that look alike, or letters in disguise.",
        "write the word with the letters of one alphabet",
    ),
    "sensitive-place": Rule(
        "warning",
        "A place on the caller's machine where secrets are kept.",
        "leave the caller's files out of an API's description",
    ),
    "names-another-tool": Rule(
        "warning",
        "Text that sends a model to another tool.",
        "say what this API does; a process decides what is called after what",
    ),
    "suspicious-url": Rule(
        "warning",
        "A URL that data may be sent to, that hides where it leads, or that is no page to read.",
        "link to a page that documents the API, or remove it",
    ),
    "encoded": Rule(
        "warning",
        "Encoded text that a reader cannot read.",
        "write what it says, or move it to an example",
    ),
    "far-blanks": Rule(
        "warning",
        "Text after so many blanks or empty lines that a reader may not see it.",
        "remove the blanks",
    ),
    "unread": Rule(
        "warning",
        "A text so long that nobody reads it to its end.",
        "shorten it; what is behind was not looked at",
    ),
    "url": Rule("note", "A link to a page.", "check that it leads where it should, and needs to be there"),
    "missing": Rule("note", "A tool or an input without a description.", "write one, or run `mcp-codegen enrich`"),
    "too-long": Rule("note", "A description that is longer than hosts show.", "shorten it"),
    "duplicate": Rule("note", "Several tools with one description.", "say what tells them apart"),
    "unused-allowance": Rule("note", "An entry of `lint` that allows nothing.", "remove it"),
}
"""By the rule's name, which an allowance gives."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in one text."""

    rule: str
    pointer: Pointer
    """In the file that holds the text."""
    place: str
    """The same as a JSON pointer with names in place of indexes, which allowances name."""
    said: str
    reason: str = ""
    """Why it is allowed; empty where it is not."""

    @property
    def level(self) -> Level:
        """How grave it is."""
        return RULES[self.rule].level

    @property
    def is_flagged(self) -> bool:
        """Whether somebody has to look at it."""
        return self.level != "note" and not self.reason
