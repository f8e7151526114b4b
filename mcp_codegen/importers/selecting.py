"""`--select` and `--exclude`: patterns over tags, paths and names."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.importers.drafts import Draft

Pattern = tuple[str, str]
"""`tag`, `path` or `name`, and a pattern with `*`, `?` and `[…]`."""
_KINDS = ("tag", "path", "name")


def parse(text: str) -> Pattern:
    """`tag:Billing*` → what to look at, and the pattern. Raises `SettingsError`."""
    kind, colon, pattern = text.partition(":")
    if not colon or kind not in _KINDS or not pattern:
        raise SettingsError(f"{shown(text)} is no pattern; write tag:NAME, path:/GLOB* or name:GLOB*")
    return kind, pattern


def is_chosen(draft: Draft, name: str, select: Sequence[Pattern], exclude: Sequence[Pattern]) -> bool:
    """Whether an operation is among those that are wanted."""
    wanted = not select or any(_matches(draft, name, pattern) for pattern in select)
    return wanted and not any(_matches(draft, name, pattern) for pattern in exclude)


def idle(operations: Sequence[tuple[str, Draft]], patterns: Sequence[Pattern]) -> list[str]:
    """The patterns that fit no operation, as they were written. operations: their names, and what they are."""
    fitting = {one for one in patterns if any(_matches(draft, name, one) for name, draft in operations)}
    return [":".join(one) for one in patterns if one not in fitting]


def _matches(draft: Draft, name: str, pattern: Pattern) -> bool:
    kind, glob = pattern
    path = draft.key.partition(" ")[2]
    texts = {"tag": draft.tags, "path": (path,), "name": (name, draft.wish)}[kind]
    return any(fnmatchcase(text, glob) for text in texts)
