"""A folder's new content takes the old one's place in one step.

The whole new tree is built in a work folder beside the output folder: generated files anew, a person's files as further
hard links to the same files. Then the two trees trade names. Whoever looks, and whenever this process dies, there is
either the old tree or the new one. What the old tree has that was not there when the new one was built is brought over
before the old tree goes; a dead run's old tree is found and treated in the same way by the next run.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mcp_codegen.errors import OutputError
from mcp_codegen.output.exchange import exchange
from mcp_codegen.output.planning import Plan, shown_path
from mcp_codegen.output.tree import Identity, identity, is_folder, parents, walk

KEPT: Final = ".mcp-codegen-kept"
"""The ending of a file that was written while its generated successor took its place."""

_BUSY: Final = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_ATTEMPTS: Final = 100

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def work_path(folder: Path) -> Path:
    """Where a folder's new content is made, as long as a run is writing it, or when one died."""
    return folder.parent / f".{folder.name}.mcp-codegen"


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """A folder beside the output folder for this run alone. What a dead run left in it is put right before and after.

    Raises `OutputError` if another run has it.
    """
    work = work_path(folder)
    work.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked(work, folder)
    try:
        settle(work, folder)
        _write_new(work / ".gitignore", "*\n")
        try:
            yield work
        finally:
            settle(work, folder)
            (work / ".gitignore").unlink(missing_ok=True)
            (work / "lock").unlink()
    finally:
        os.close(handle)
        with suppress(OSError):  # not empty: something could not be removed, or another run has begun
            work.rmdir()


def _locked(work: Path, folder: Path) -> int:
    """An open, locked file in the work folder, which is made; a lock file that its holder removed does not count."""
    for _ in range(_ATTEMPTS):
        with suppress(FileExistsError):
            work.mkdir(mode=0o700)
        with suppress(FileNotFoundError):  # the run that held it has just removed it
            if handle := _try_lock(work, folder):
                return handle
    raise _busy(folder)


def _try_lock(work: Path, folder: Path) -> int:
    """The open, locked file; 0 if it is one that nobody else will ever open."""
    if not stat.S_ISDIR(os.lstat(work).st_mode):
        raise OutputError(f"{shown_path(work)}: in the way of the generator's work folder; move or delete it")
    handle = os.open(work / "lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        _lock(handle)
        if os.path.samestat(os.fstat(handle), os.stat(work / "lock")):
            return handle
    except OSError as error:
        os.close(handle)
        if error.errno in _BUSY:
            raise _busy(folder) from error
        raise
    os.close(handle)
    return 0


def _busy(folder: Path) -> OutputError:
    return OutputError(f"{shown_path(folder)}: another run is writing this folder; try again when it has ended")


def swap(plan: Plan, folder: Path, work: Path) -> None:
    """Put the new tree in the old one's place. Raises `OSError`, and then nothing has happened to the old one."""
    tree = work / "tree"
    is_first = not os.path.lexists(folder)
    _stage(plan, folder, tree)
    known = {path: identity(found) for path, found in plan.before.items()}
    record = {"work": os.lstat(work).st_ino, "staged": os.lstat(tree).st_ino, "before": known}
    _write_new(work / "known.json", json.dumps(record))
    if is_first:
        tree.rename(folder)
    else:
        with _same_place(folder):
            exchange(tree, folder)


def settle(work: Path, folder: Path) -> None:
    """Clear the work folder; if it holds a tree that was swapped out, save from it what nobody knew of."""
    tree, dead = work / "tree", work / "dead"
    _remove(dead)
    if os.path.lexists(tree):
        staged, before = _known(work)
        if before is not None and os.lstat(tree).st_ino != staged:
            _bring_over(tree, folder, before)
        tree.rename(dead)
        _remove(dead)
    (work / "known.json").unlink(missing_ok=True)


def _write_new(file: Path, text: str) -> None:
    """Write a file that was not there; a link that somebody prepared in its place is not followed."""
    file.unlink(missing_ok=True)
    with file.open("x", encoding="utf-8") as stream:
        stream.write(text)


# --- building the new tree --------------------------------------------------------------------------------------------


def _stage(plan: Plan, folder: Path, tree: Path) -> None:
    tree.mkdir()
    folders = []
    if folder.is_dir():
        _check_movable(folder, os.lstat(folder), tree)
        folders.append("")
    for path in plan.kept():
        if is_folder(plan.before, path):
            _check_movable(folder / path, plan.before[path], tree)
            (tree / path).mkdir()
            folders.append(path)
        else:
            _link(folder / path, tree / path, must_exist=path in plan.contents)
    for path in (*plan.added, *plan.changed):
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            stream.write(plan.contents[path])
        if path in plan.changed:
            target.chmod(stat.S_IMODE(plan.before[path].st_mode))
    touched = {path.rpartition("/")[0] for path in (*plan.added, *plan.changed, *plan.removed)}
    for path in reversed(folders):
        _copy_rights(folder / path, tree / path)
        if path in touched:
            os.utime(tree / path)  # Python looks for new modules only in folders that changed


def _check_movable(path: Path, found: os.stat_result, tree: Path) -> None:
    """Raise `OSError` for a folder whose content could be linked, but not removed from the old tree afterwards."""
    if found.st_dev != os.lstat(tree).st_dev:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path))
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _link(path: Path, target: Path, *, must_exist: bool) -> None:
    try:
        os.link(path, target, follow_symlinks=False)
    except FileNotFoundError:
        if must_exist:
            raise
    except OSError:
        if not path.is_symlink():
            raise
        target.symlink_to(os.readlink(path))


def _copy_rights(path: Path, target: Path) -> None:
    shutil.copystat(path, target)
    old, new = os.lstat(path), os.lstat(target)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.chown(target, old.st_uid, old.st_gid)
        target.chmod(stat.S_IMODE(old.st_mode))


# --- after the swap ---------------------------------------------------------------------------------------------------


def _known(work: Path) -> tuple[int, Mapping[str, Identity] | None]:
    """The staged tree's inode and what the old tree held; None if there was no swap yet, or not in this place."""
    try:
        record = json.loads((work / "known.json").read_bytes())
        if record["work"] != os.lstat(work).st_ino:  # moved or copied here: no inode means anything any more
            return 0, None
        before: dict[str, Identity] = {path: tuple(found) for path, found in record["before"].items()}
        return record["staged"], before
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return 0, None


def _bring_over(old: Path, new: Path, before: Mapping[str, Identity]) -> None:
    """Carry over what happened in the old tree while the new one was built. Doing it twice does no harm."""
    now, there = walk(old), walk(new)
    for path, found in now.items():
        if identity(found) == before.get(path) or (path in there and there[path].st_ino == found.st_ino):
            continue
        barred = any(around in there and not is_folder(there, around) for around in parents(path))
        if is_folder(now, path):
            if path not in there and not barred:
                (new / path).mkdir(parents=True, exist_ok=True)
                _copy_rights(old / path, new / path)
        elif not barred and (path not in there or identity(there[path]) == before.get(path)):
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (old / path).replace(new / path)
        else:
            (old / path).replace(_free(new / f"{path.replace('/', '.')}{KEPT}"))
    for path in reversed(there):
        if path in before and path not in now and identity(there[path]) == before[path]:
            with suppress(OSError):
                (new / path).rmdir() if is_folder(there, path) else (new / path).unlink()


def _free(path: Path) -> Path:
    return _free(path.with_name(f"{path.name}~")) if os.path.lexists(path) else path


def _remove(folder: Path) -> None:
    """Remove a tree, or the link or file that stands in its place."""
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink()
        return
    shutil.rmtree(folder)


@contextmanager
def _same_place(folder: Path) -> Iterator[None]:
    """A working directory inside of the folder follows its name into the new tree."""
    here = ""
    with suppress(OSError):
        here = os.getcwd()
    yield
    if here and Path(here).is_relative_to(os.path.realpath(folder)):
        with suppress(OSError):
            os.chdir(here)
