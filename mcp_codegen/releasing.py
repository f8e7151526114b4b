"""Which version a catalog becomes, and its changelog: from the catalog and its last release alone.

A release is a copy of the catalog beside it, and an entry in the changelog beside it. What is generated stays a pure
function of those files: nothing is read from the output, so that edits may come and go, branches may be merged and
packages be generated anew without a version being raised twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_codegen import comparing
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.comparing import Comparison
from mcp_codegen.comparing.changes import order

_TITLE: Final = "# Changelog\n\n"


@dataclass(frozen=True, slots=True)
class Release:
    """What a catalog becomes."""

    version: str
    changelog: str
    """The whole document, newest version first."""
    changes: Comparison | None
    """Since the last release; None before the first."""
    is_new: bool
    """There is something to release."""


def released_file(catalog: Path) -> Path:
    """The copy of a catalog as it was released last."""
    return catalog.with_name(f"{catalog.stem}.released.json")


def changelog_file(catalog: Path) -> Path:
    """The entries of the versions that were released."""
    return catalog.with_name(f"{catalog.stem}.changelog.md")


def release(now: CheckedCatalog, last: CheckedCatalog | None, past: str) -> Release:
    """The next release, or the last one where nothing changed. past: the changelog of what was released.

    The version is the higher one of what the changes ask for and what the catalog says.
    """
    own = now.catalog.version
    if last is None:
        tools = len(now.active)
        entry = f"## {own}\n\nThe first release, with {tools} tool{'' if tools == 1 else 's'}.\n"
        return Release(own, _above(entry, past), None, is_new=True)
    changes = comparing.compare(last, now)
    version = max(changes.version, own, key=order)
    if not changes.changes and version == changes.old_version:
        return Release(version, past, changes, is_new=False)
    entry = (
        comparing.changelog(changes, version) if changes.changes else f"## {version}\n\nNothing changed for callers.\n"
    )
    return Release(version, _above(entry, past), changes, is_new=True)


def _above(entry: str, past: str) -> str:
    """The changelog with one more entry above the others; an entry that a release left there is not repeated."""
    if not past.strip():
        return f"{_TITLE}{entry}"
    first = re.search(r"^## ", past, re.MULTILINE)
    if first is None:
        return past.rstrip("\n") + "\n\n" + entry
    older = past[first.start() :]
    return past if older.startswith(entry) else f"{past[: first.start()]}{entry}\n{older}"
