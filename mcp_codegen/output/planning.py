"""What has to happen in a folder so that it holds the generated files; and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_codegen.errors import OutputError
from mcp_codegen.output.manifest import MANIFEST, TEMPORARY, Owned, digest, is_inside, read, render
from mcp_codegen.output.tree import Tree, is_file, is_folder, parents, walk

_EDITED = "edited since it was generated; carry the edit over to the catalog, or lose it with --force"
_FOREIGN = "not written by the generator, and in the way of what it writes; move or delete it"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a folder held, what the generator wants in it, and the difference."""

    before: Tree
    contents: Mapping[str, bytes]
    """Every generated file, the manifest among them."""
    transition: bytes
    """A manifest that owns the old and the new files, for as long as both may stand there."""
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    stale: tuple[str, ...]
    """Compiled forms of changed and removed modules: worthless, and would keep folders alive."""
    emptied: tuple[str, ...]
    """Folders that have nothing left in them, the innermost first."""

    def kept(self) -> Iterator[str]:
        """What stays as it is, folders before what is in them."""
        gone = {*self.changed, *self.removed, *self.stale, *self.emptied}
        return (path for path in self.before if path not in gone)


def contents_of(files: Mapping[str, str]) -> dict[str, bytes]:
    """The bytes of every generated file and of the manifest. Raises `ValueError` for paths that no file can have."""
    for path in files:
        if not is_inside(path) or path in (MANIFEST, TEMPORARY) or not files.keys().isdisjoint(parents(path)):
            raise ValueError(f"not a path for a generated file: {path!r}")
    contents = {path: text.encode() for path, text in files.items()}
    return contents | {MANIFEST: render({path: frozenset([digest(one)]) for path, one in contents.items()})}


def owned_in(folder: Path, before: Tree) -> Owned:
    """What the folder's manifest lists, and itself; nothing if there is none. Raises `OutputError` if it is broken."""
    if MANIFEST not in before:
        return {}
    if not is_file(before, MANIFEST):
        raise OutputError(f"{folder / MANIFEST}: this must be a file that the generator wrote; move or delete it")
    content = (folder / MANIFEST).read_bytes()
    return {**read(content, folder / MANIFEST), MANIFEST: frozenset([digest(content)])}


def plan(files: Mapping[str, str], folder: Path, *, force: bool) -> Plan:
    """Compare the generated files with the folder.

    Raises `OutputError` that names every file of a person that would be lost; `force` gives up edited generated files.
    """
    before = walk(folder)
    owned = owned_in(folder, before)
    contents = contents_of(files)
    on_disk = {path: (folder / path).read_bytes() for path in {*contents, *owned} if is_file(before, path)}

    unchanged = {path for path in contents if on_disk.get(path) == contents[path]}
    touched = {path for path in owned if path in on_disk and path not in unchanged}
    edited = {path for path in touched if digest(on_disk[path]) not in owned[path]}
    removed = touched - contents.keys()
    changed = touched - removed
    stale = _stale(before, touched)
    emptied = _emptied(before, removed | stale, contents)
    standing = before.keys() - touched - unchanged - stale - set(emptied)
    foreign = {path for path in _in_the_way(contents, before) if path in standing}
    _refuse(folder, {**dict.fromkeys(() if force else edited, _EDITED), **dict.fromkeys(foreign, _FOREIGN)})
    return Plan(
        before,
        contents,
        render({path: _either(path, owned, contents) for path in owned.keys() | contents.keys() if path != MANIFEST}),
        added=tuple(sorted(contents.keys() - changed - unchanged)),
        changed=tuple(sorted(changed)),
        removed=tuple(sorted(removed)),
        unchanged=tuple(sorted(unchanged)),
        stale=tuple(sorted(stale)),
        emptied=emptied,
    )


def _either(path: str, owned: Owned, contents: Mapping[str, bytes]) -> frozenset[str]:
    new = [digest(contents[path])] if path in contents else []
    return owned.get(path, frozenset()).union(new)


def _in_the_way(contents: Mapping[str, bytes], before: Tree) -> Iterator[str]:
    """What stands at a generated file's path or, not being a folder, at one of the folders around it."""
    for path in contents:
        if path in before:
            yield path
        yield from (around for around in parents(path) if around in before and not is_folder(before, around))


def _stale(before: Tree, touched: set[str]) -> set[str]:
    found = {TEMPORARY} if is_file(before, TEMPORARY) else set()
    for path in before:
        *around, name = path.split("/")
        if around[-1:] == ["__pycache__"] and name.endswith(".pyc") and is_file(before, path):
            source = "/".join([*around[:-1], f"{name.partition('.')[0]}.py"])
            found |= {path} if source in touched else set()
    return found


def _emptied(before: Tree, gone: set[str], contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Folders that lose something and have nothing left. A folder that a person made and left empty is not one."""
    needed = {around for path in contents for around in parents(path)}
    losing = {around for path in gone for around in parents(path)}
    holding = {
        around for path in before if path not in gone and not is_folder(before, path) for around in parents(path)
    }
    bare = {path for path in before if is_folder(before, path) and path not in losing}
    holding |= {around for path in bare for around in parents(path)}
    return tuple(path for path in reversed(before) if path in losing - holding - needed)


def _refuse(folder: Path, reasons: Mapping[str, str]) -> None:
    if reasons:
        raise OutputError("\n".join(f"{shown_path(folder / path)}: {reasons[path]}" for path in sorted(reasons)))


def shown_path(path: Path) -> str:
    """A path with nothing in it that a terminal would obey."""
    text = str(path)
    return text if text.isprintable() else text.encode("unicode_escape", "surrogatepass").decode("ascii")
