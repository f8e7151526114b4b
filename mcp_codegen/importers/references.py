"""The documents of a description, and what their references mean.

A document is known by its key: its path from the root folder, or its https URL. Nothing outside of the root folder is
ever read: a reference is resolved as text first, and the reader that is passed in resolves links.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin

from mcp_codegen.errors import CatalogError, Diagnostic, Problem, pointer_text, shown
from mcp_codegen.importers.report import Spot
from mcp_codegen.source import Source

Read = Callable[[str, str], Source]
"""From a document's key, and the key of the document that refers to it, to the document.

Raises `CatalogError` where it cannot be read, and `RefusedError` where it may not.
"""

_LONGEST_CHAIN: Final = 100
_MOST_TOLD: Final = 20
"""Of the mistakes of one document's text."""


class DanglingError(Exception):
    """A reference that leads nowhere; its text says why."""


class RefusedError(Exception):
    """A document that may not be read; its arguments are what is wrong and what to do."""


class Library:
    """The documents that were read so far, and the references that were refused."""

    def __init__(self, main: str, read: Read) -> None:
        self.main = main
        self._read = read
        self._sources: dict[str, Source] = {main: read(main, main)}
        self._marked: dict[str, dict[tuple[str, str], tuple[Any, Spot]]] = {}
        self._failed: dict[str, DanglingError] = {}
        self._refused: dict[Spot, tuple[str, str]] = {}

    @property
    def root(self) -> Any:  # noqa: ANN401 - JSON
        """The main document's data."""
        return self._sources[self.main].data

    def find(self, reference: str, spot: Spot) -> tuple[Any, Spot]:
        """What a reference that stands at `spot` means, and where that stands. Raises `DanglingError`."""
        try:
            file, fragment = urldefrag(reference)
        except ValueError as error:
            raise DanglingError(f"{shown(reference)} is no reference") from error
        own = self._identified(file) if "://" in file else None
        if own is None:
            key = self._key(unquote(file) if "://" not in file else file, spot) if file else spot.document
            own = self._source(key, spot).data, Spot(key)
        data, place = own
        if fragment and not fragment.startswith("/"):
            known = self._marks(place.document).get(("$anchor", fragment))
            if known is None:
                raise DanglingError(f"there is no {shown(reference)}")
            return known
        parts = [unquote(part).replace("~1", "/").replace("~0", "~") for part in fragment.split("/")[1:]]
        found, where = _inside(data, parts, place.document, reference)
        return found, place.of(*where.pointer)

    def _identified(self, url: str) -> tuple[Any, Spot] | None:
        """The schema in a document that was read already whose `$id` is this URL."""
        found = (self._marks(key).get(("$id", url)) for key in list(self._sources))
        return next((one for one in found if one is not None), None)

    def _marks(self, key: str) -> dict[tuple[str, str], tuple[Any, Spot]]:
        """The places in a document that have an `$id` or an anchor of their own."""
        if key not in self._marked:
            self._marked[key] = dict(_marked(self._sources[key].data, Spot(key)))
        return self._marked[key]

    def resolved(self, node: Any, spot: Spot) -> tuple[Any, Spot]:  # noqa: ANN401 - JSON
        """A value itself, where it stands for another by `$ref`. Raises `DanglingError`."""
        for _ in range(_LONGEST_CHAIN):
            if not isinstance(node, Mapping) or not isinstance(node.get("$ref"), str):
                return node, spot
            node, spot = self.find(node["$ref"], spot.of("$ref"))
        raise DanglingError("the reference leads back to itself")

    def mended(self) -> Iterator[tuple[Spot, str]]:
        """What was wrong in the texts of the documents, and was read as it was meant."""
        for key, one in self._sources.items():
            for problem in one.mended[:_MOST_TOLD]:
                yield Spot(key, problem.pointer), f"{problem.message}; it is read as it was meant"

    def refused(self) -> list[Diagnostic]:
        """Every reference to a document that may not be read: it was not followed, and what needs it is told apart."""
        found: list[Diagnostic] = []
        for key in sorted({spot.document for spot in self._refused}):
            problems = [Problem(spot.pointer, *why) for spot, why in self._refused.items() if spot.document == key]
            found += self._sources[key].diagnostics(problems)
        return found

    def diagnostics(self, problems: Iterable[Problem]) -> list[Diagnostic]:
        """Problems in the main document, with their places."""
        return self._sources[self.main].diagnostics(problems)

    def places(self, spots: Iterable[Spot]) -> dict[Spot, str]:
        """Where each spot stands: `file:line:column: pointer`."""
        by_key: dict[str, list[Spot]] = {}
        for spot in spots:
            by_key.setdefault(spot.document, []).append(spot)
        told: dict[Spot, str] = {}
        for key, inside in by_key.items():
            if key not in self._sources:
                told |= {spot: f"{key}: {pointer_text(spot.pointer)}" for spot in inside}
                continue
            found = self._sources[key].diagnostics([Problem(spot.pointer, "", "") for spot in inside])
            for spot, one in zip(inside, found, strict=True):
                told[spot] = f"{one.file}:{one.line}:{one.column}: {one.pointer}"
        return told

    def _key(self, file: str, spot: Spot) -> str:
        if "://" in file:
            return file
        if "://" in spot.document:
            return urljoin(spot.document, file)
        if file.startswith(("/", "\\")) or file[1:2] == ":" or "\0" in file:
            self._refused[spot] = (f"{shown(file)} is an absolute path", "write it relative to this file")
            raise DanglingError(f"{shown(file)} is an absolute path")
        return posixpath.normpath(posixpath.join(posixpath.dirname(spot.document), file))

    def _source(self, key: str, spot: Spot) -> Source:
        if key in self._failed:
            raise self._failed[key]
        if key not in self._sources:
            try:
                self._sources[key] = self._read(key, spot.document)
            except RefusedError as error:
                self._refused[spot] = (str(error.args[0]), str(error.args[1]))
                raise DanglingError(f"{error.args[0]}: {error.args[1]}") from error
            except CatalogError as error:
                first = error.diagnostics[0]
                self._failed[key] = DanglingError(f"{shown(key)} cannot be read: {first.message}")
                raise self._failed[key] from error
        return self._sources[key]


def _marked(data: Any, spot: Spot) -> Iterator[tuple[tuple[str, str], tuple[Any, Spot]]]:  # noqa: ANN401 - JSON
    """Each `$id`, `$anchor` and `$dynamicAnchor`, and what bears it."""
    waiting = [(data, spot)]
    while waiting:
        node, place = waiting.pop()
        if isinstance(node, Mapping):
            for word, kind in (("$id", "$id"), ("$anchor", "$anchor"), ("$dynamicAnchor", "$anchor")):
                if isinstance(node.get(word), str):
                    yield (kind, node[word].rstrip("#")), (node, place)
            waiting += [(one, place.of(name)) for name, one in node.items() if isinstance(one, Mapping | list)]
        elif isinstance(node, list):
            waiting += [(one, place.of(index)) for index, one in enumerate(node) if isinstance(one, Mapping | list)]


def _inside(data: Any, parts: list[str], key: str, reference: str) -> tuple[Any, Spot]:  # noqa: ANN401 - JSON
    pointer: list[str | int] = []
    for part in parts:
        if isinstance(data, Mapping) and part in data:
            data = data[part]
            pointer.append(part)
        elif isinstance(data, list) and part.isascii() and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
            pointer.append(int(part))
        else:
            raise DanglingError(f"there is no {shown(reference)}")
    return data, Spot(key, tuple(pointer))
