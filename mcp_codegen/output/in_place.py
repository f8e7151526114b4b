"""Files are replaced one by one, where folders cannot trade places: mount points, container layers, foreign owners.

Each file is old or new and never half of one. A run that dies between two files leaves some old and some new, under a
manifest that owns both: the next run goes on from there.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

from mcp_codegen.output.manifest import MANIFEST, TEMPORARY
from mcp_codegen.output.planning import Plan


def replace(plan: Plan, folder: Path) -> None:
    """Do what the plan says in the folder itself. Raises `OSError`, and then it may be done in part."""
    folder.mkdir(exist_ok=True)
    _put(folder, MANIFEST, plan.transition, None)
    for path in (*plan.removed, *plan.stale):
        with suppress(OSError) if path in plan.stale else suppress(FileNotFoundError):
            (folder / path).unlink()
    for path in plan.emptied:
        with suppress(OSError):  # somebody has put something in
            (folder / path).rmdir()
    for path in (*plan.added, *plan.changed):
        if path != MANIFEST:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            _put(folder, path, plan.contents[path], _mode(plan, path))
    _put(folder, MANIFEST, plan.contents[MANIFEST], _mode(plan, MANIFEST))


def _mode(plan: Plan, path: str) -> int | None:
    return stat.S_IMODE(plan.before[path].st_mode) if path in plan.changed else None


def _put(folder: Path, path: str, content: bytes, mode: int | None) -> None:
    temporary = folder / TEMPORARY
    temporary.unlink(missing_ok=True)
    with temporary.open("xb") as stream:
        stream.write(content)
    if mode is not None:
        temporary.chmod(mode)
    temporary.replace(folder / path)
