"""`descriptions.json` while it is being written: after every answer it is whole, and holds all that was paid for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mcp_codegen import descriptions, editing
from mcp_codegen.descriptions import Entry
from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.texts import Place


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
