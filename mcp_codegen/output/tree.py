"""What stands in a folder, without following any link out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

Tree = dict[str, os.stat_result]
"""Everything in a folder by relative POSIX path, folders before what is in them; links are themselves."""

Identity = tuple[int, int, int, int]
"""Kind, inode, size and time of change: equal as long as nobody wrote the file. A folder has a kind only."""


def walk(folder: Path) -> Tree:
    """Everything in a folder; nothing if there is none. A folder that may not be read seems empty."""
    found: dict[str, os.stat_result] = {}
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            names = sorted(os.listdir(folder / prefix))
        except (FileNotFoundError, PermissionError):
            continue
        for name in names:
            try:
                found[prefix + name] = os.lstat(folder / prefix / name)
            except FileNotFoundError:  # gone since it was listed
                continue
            if stat.S_ISDIR(found[prefix + name].st_mode):
                waiting.append(f"{prefix}{name}/")
    return found


def parents(path: str) -> list[str]:
    """The folders that a path stands in, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def identity(found: os.stat_result) -> Identity:
    """What tells an entry from another that has taken its name."""
    kind = stat.S_IFMT(found.st_mode)
    return (kind, 0, 0, 0) if kind == stat.S_IFDIR else (kind, found.st_ino, found.st_size, found.st_mtime_ns)


def is_folder(tree: Tree, path: str) -> bool:
    """Whether a folder stands there, not a link to one."""
    return path in tree and stat.S_ISDIR(tree[path].st_mode)


def is_file(tree: Tree, path: str) -> bool:
    """Whether a regular file stands there, not a link to one."""
    return path in tree and stat.S_ISREG(tree[path].st_mode)
