"""`descriptions.json` beside a catalog: texts by place, what each was made from, and whose it is.

Reading it takes nothing but the file. A text counts where its place exists and what it was made from is still so; a
person's text counts as long as its place exists. A text is a person's when its digest is not that of what a model
wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from mcp_codegen import source
from mcp_codegen.catalog import Node
from mcp_codegen.errors import CatalogError, Diagnostic, Problem, shown
from mcp_codegen.literals import json_text
from mcp_codegen.source import Source
from mcp_codegen.texts import Place, digest, places
from mcp_codegen.validation import problems

NAME: Final = "descriptions.json"
_ABOUT: Final = "texts for the catalog beside this file; edit them freely: a text that you change is yours, and is kept"


class Entry(Node):
    """One text."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    by: Literal["model", "person"] = "person"
    """Whose it is; a model's text that was edited is a person's, whatever this says."""
    source: str = ""
    """The digest of what it was made from; empty where that is not known."""
    written: str = ""
    """The digest of the text as a model wrote it."""
    model: str = ""
    prompt: str = ""
    """The version of the prompt."""
    language: str = ""
    """The one that was asked for; empty for the catalog's own."""
    stale: bool = False
    """What it was made from is not so any more. Told, not read."""

    @property
    def is_persons(self) -> bool:
        """Whether a person wrote or edited it."""
        return self.by == "person" or digest(self.text) != self.written


class File(Node):
    """The whole file."""

    about: str = ""
    version: Literal[1] = 1
    catalog: str = ""
    """The name of the catalog that the texts are for."""
    texts: dict[str, Entry] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Descriptions:
    """The texts for a catalog, and where they were read; both may be nothing."""

    catalog: str = ""
    texts: Mapping[str, Entry] = field(default_factory=dict)
    read: Source | None = None

    def diagnostics(self, problems: Iterable[Problem]) -> list[Diagnostic]:
        """Problems of the file, with their lines."""
        return self.read.diagnostics(problems) if self.read else []


def file_of(catalog: Path) -> Path:
    """Where a catalog's texts are kept."""
    return catalog.with_name(NAME)


def load(catalog: Path) -> Descriptions:
    """The texts for a catalog; none where there is no file. Raises `CatalogError` for a file that is none."""
    file = file_of(catalog)
    if not file.is_file():
        return Descriptions()
    read = source.load(file)
    try:
        found = File.model_validate(read.data)
    except ValidationError as error:
        raise CatalogError(read.diagnostics(problems(error, File, read.data))) from error
    return Descriptions(found.catalog, found.texts, read)


def is_for(found: Descriptions, name: str) -> bool:
    """Whether the texts are for the catalog of this name."""
    return found.catalog in ("", name)


def is_stale(entry: Entry, place: Place) -> bool:
    """Whether what a text was made from has changed."""
    return bool(entry.source) and entry.source != place.digest


def counts(entry: Entry, place: Place) -> bool:
    """Whether a text is put into its place."""
    return entry.is_persons or not is_stale(entry, place)


def apply(data: dict[str, Any], found: Descriptions) -> frozenset[str]:
    """Put the texts into a catalog's data, in place: nothing but titles and descriptions of places that exist.

    Returns the places that got one.
    """
    known = places(data) if found.texts else {}
    chosen = {at: one.text for at, one in found.texts.items() if at in known and counts(one, known[at])}
    for at, text in chosen.items():
        known[at].node[known[at].key] = text
    return frozenset(chosen)


def notices(data: dict[str, Any], found: Descriptions, name: str) -> Iterator[Problem]:
    """What is worth a word. data: as it is without the texts."""
    if not found.texts:
        return
    if not is_for(found, name):
        said = f"these texts are for the catalog {shown(found.catalog)}, and not used for {shown(name)}"
        yield Problem(("catalog",), said, "keep each catalog in a folder of its own")
        return
    known = places(data)
    vanished = [at for at in found.texts if at not in known]
    stale = [at for at, one in found.texts.items() if at in known and is_stale(one, known[at])]
    yield from _told(vanished, "there is no such place in the catalog", "remove the text, or bring the place back")
    mine = [at for at in stale if found.texts[at].is_persons]
    yield from _told(mine, "what this text is about has changed", "look at it, and remove its `source` if it is right")
    rest = [at for at in stale if at not in mine]
    yield from _told(rest, "what this text is about has changed; it is not used", "run `mcp-codegen enrich`")


def _told(pointers: list[str], said: str, hint: str) -> Iterator[Problem]:
    if pointers:
        more = f" ({len(pointers)} texts)" if len(pointers) > 1 else ""
        yield Problem(("texts", pointers[0]), said + more, hint, at_key=True)


def render(catalog: str, texts: Mapping[str, Entry], known: Mapping[str, Place]) -> str:
    """The file's text: the same for the same entries. Stale ones are marked."""
    written = {at: _written(texts[at], known.get(at)) for at in sorted(texts)}
    return json_text({"about": _ABOUT, "version": 1, "catalog": catalog, "texts": written}) + "\n"


def _written(entry: Entry, place: Place | None) -> dict[str, Any]:
    about = entry.model_dump(by_alias=True, exclude_defaults=True, exclude={"text", "by", "stale"})
    marked = {"stale": True} if place is not None and is_stale(entry, place) else {}
    return {"text": entry.text, "by": "person" if entry.is_persons else "model", **about, **marked}
