"""`descriptions.json` while it is being written: after every answer it is whole, and holds all that was paid for."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mcp_codegen import descriptions, editing
from mcp_codegen.descriptions import Entry
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.texts import Place

if sys.platform == "win32":  # no folder can be locked there

    def _lock(_: int) -> None: ...

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def alone(catalog: Path) -> Iterator[None]:
    """While the texts of a catalog are written by nobody else: two would each pay for what the other has.

    Raises `SettingsError` where somebody does, and where no file can be written: before anything is paid.
    """
    file = descriptions.file_of(catalog)
    if os.path.lexists(file) and not file.is_file():
        raise SettingsError(f"{shown(str(file))} is no file; move it away; nothing was asked")
    folder = file.resolve().parent  # a link is followed
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        handle = os.open(folder, os.O_RDONLY) if os.name == "posix" else -1
    except OSError as error:
        said = error.strerror or "the system refuses"
        raise SettingsError(f"nothing can be written in {shown(str(folder))}: {said}; nothing was asked") from error
    try:
        try:
            _lock(handle)
        except OSError as error:
            said = f"another run writes the texts in {shown(str(folder))}"
            raise SettingsError(f"{said}; try again when it has ended") from error
        yield
    finally:
        if handle >= 0:
            os.close(handle)


class Keeper:
    """The texts of a catalog, in memory and on disk. What a person writes into the file meanwhile is taken in."""

    def __init__(self, catalog: Path, name: str, places: Mapping[str, Place]) -> None:
        self._file, self._catalog, self._name, self._places = descriptions.file_of(catalog), catalog, name, places
        self._content = b""
        self.texts: dict[str, Entry] = {}
        self._take_in()

    def keep(self, made: Mapping[str, Entry]) -> None:
        """Add texts and write the file, in one step. Raises `SettingsError`, `CatalogError`."""
        self._take_in()
        for at, entry in made.items():
            if at not in self.texts or not self.texts[at].is_persons:
                self.texts[at] = entry
        self.save()

    def drop_vanished(self) -> tuple[int, int]:
        """Forget a model's texts whose places are gone. Returns how many those are, and how many of people stay."""
        vanished = [at for at in self.texts if at not in self._places]
        gone = [at for at in vanished if not self.texts[at].is_persons]
        for at in gone:
            del self.texts[at]
        return len(gone), len(vanished) - len(gone)

    def save(self) -> None:
        """Write the file if it would change."""
        text = descriptions.render(self._name, self.texts, self._places)
        if (self.texts and text.encode() != self._content) or (not self.texts and self._content):
            editing.save(self._file, text)
            self._content = text.encode()

    def _take_in(self) -> None:
        content = self._file.read_bytes() if self._file.is_file() else b""
        if content == self._content:
            return
        found = descriptions.load(self._catalog)
        if not descriptions.is_for(found, self._name):
            said = f"{shown(str(self._file))} is for the catalog {shown(found.catalog)}"
            raise SettingsError(f"{said}; keep each catalog in a folder of its own")
        self._content = content
        self.texts = dict(found.texts)
