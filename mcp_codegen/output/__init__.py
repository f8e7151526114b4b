"""Generated files ↔ the output folder. Nothing else in this project touches that folder.

The generator owns what its manifest lists, and no more: every other file in the folder stays the file it is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_codegen.errors import OutputError
from mcp_codegen.output import comparing, in_place
from mcp_codegen.output.manifest import MANIFEST, TEMPORARY, digest, render
from mcp_codegen.output.planning import Plan, contents_of, owned_in, plan, shown_path
from mcp_codegen.output.swapping import swap, work_folder, work_path
from mcp_codegen.output.tree import is_file, walk

__all__ = [
    "MANIFEST",
    "Files",
    "Written",
    "diff",
    "digests",
    "edited",
    "holds",
    "read_text",
    "refuse",
    "write",
    "write_text",
]

Files = Mapping[str, str]
"""Relative POSIX path → text, which is written as UTF-8 with its line ends as they are."""

_NO_SWAP: Final = frozenset(
    {errno.EXDEV, errno.EBUSY, errno.EPERM, errno.EACCES, errno.EINVAL, errno.EMLINK}
    | {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
)
"""What systems and file systems answer that can not link a file or trade folders: no fault of the user's."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a run did, the manifest included: sorted paths."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


def write(files: Files, folder: Path, *, force: bool = False) -> Written:
    """Make the folder hold these generated files and no other generated ones.

    An interrupted run leaves the old files or the new ones, complete. Where the file system cannot do that (see
    `in_place`), the next run completes them. Nothing is written when nothing differs.

    Raises `OutputError`, and nothing was written, when that would lose what a person wrote (`force` gives up edits of
    generated files, never a file of another origin), when another run is writing, or when the folder cannot be used.
    """
    folder = _usable(folder)
    contents_of(files)
    try:
        with work_folder(folder) as work:
            todo = plan(files, folder, force=force)
            if todo.added or todo.changed or todo.removed:
                _carry_out(todo, folder, work)
    except OSError as error:
        where = shown_path(Path(error.filename)) if isinstance(error.filename, str) else shown_path(folder)
        message = f"{where}: {error.strerror or error}; mend that, or choose another folder, and generate again"
        raise OutputError(message) from error
    return Written(todo.added, todo.changed, todo.removed, todo.unchanged)


def refuse(files: Files, folder: Path, *, force: bool = False) -> None:
    """Raise the `OutputError` that `write` would raise for what a person wrote; nothing is written."""
    folder = _usable(folder)
    with _readable(folder):
        plan(files, folder, force=force)


def digests(files: Files) -> dict[str, str]:
    """The fingerprints of generated files, by path."""
    return {path: digest(text.encode()) for path, text in files.items()}


def holds(digests: Mapping[str, str], folder: Path) -> bool:
    """Whether `write` would find nothing to do for files of these digests. Raises `OutputError` as it would."""
    folder = _usable(folder)
    with _readable(folder):
        before = walk(folder)
        if os.path.lexists(work_path(folder)) or TEMPORARY in before or not is_file(before, MANIFEST):
            return False
        manifest = render({path: frozenset([known]) for path, known in digests.items()})
        return (folder / MANIFEST).read_bytes() == manifest and all(
            is_file(before, path) and digest((folder / path).read_bytes()) == known for path, known in digests.items()
        )


def read_text(file: Path) -> str:
    """A single generated file; empty where there is none. Raises `OutputError`."""
    with _readable(file):
        return file.read_bytes().decode(errors="replace") if file.exists() else ""


def write_text(file: Path, text: str) -> None:
    """Write a single generated file. Raises `OutputError`."""
    with _readable(file):
        file.write_bytes(text.encode())


def diff(files: Files, folder: Path) -> str:
    """A unified diff from what the folder holds to these files; "" where they agree. Paths start with its name.

    Files that the generator does not own are left out, and the manifest too, which only follows from the others: it is
    shown where it alone differs. Raises `OutputError` for a broken manifest.
    """
    folder = _usable(folder)
    contents = contents_of(files)
    try:
        before = walk(folder)
        paths = sorted(contents.keys() | owned_in(folder, before).keys())
        old = {path: (folder / path).read_bytes() for path in paths if is_file(before, path)}
    except OSError as error:
        raise OutputError(f"{shown_path(folder)}: cannot be read: {error.strerror or error}; mend that") from error
    diffs = {path: comparing.unified(f"{folder.name}/{path}", old.get(path), contents.get(path)) for path in paths}
    return "".join(diff for path, diff in diffs.items() if path != MANIFEST) or diffs.get(MANIFEST, "")


def edited(folder: Path) -> tuple[str, ...]:
    """The generated files that are not what the manifest says: changed, or gone. Raises `OutputError`."""
    folder = _usable(folder)
    with _readable(folder):
        before = walk(folder)
        owned = owned_in(folder, before)
        whole = {
            path for path in owned if is_file(before, path) and digest((folder / path).read_bytes()) in owned[path]
        }
    return tuple(sorted(owned.keys() - whole))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{shown_path(path)}: {error.strerror or error}; mend that, or choose another path"
        ) from error


def _carry_out(todo: Plan, folder: Path, work: Path) -> None:
    try:
        swap(todo, folder, work)
    except OSError as error:
        if error.errno not in _NO_SWAP:
            raise
        in_place.replace(todo, folder)


def _usable(folder: Path) -> Path:
    """The folder's absolute path. Raises `OutputError` for one that nothing should be generated into."""
    shown = shown_path(folder)
    try:
        absolute = Path(os.path.abspath(folder))
    except FileNotFoundError as error:
        raise OutputError(f"{shown}: the working directory is gone; change to one that exists") from error
    if absolute.is_symlink():
        raise OutputError(f"{shown}: a link to another folder; name that folder itself, or remove the link")
    if os.path.lexists(absolute) and not absolute.is_dir():
        raise OutputError(f"{shown}: not a folder; move or delete it, or choose another folder")
    home = Path(os.path.realpath(os.path.expanduser("~")))
    if home.is_relative_to(os.path.realpath(absolute)):
        raise OutputError(f"{shown}: a home folder, or one around it; choose a folder for generated files alone")
    return absolute
