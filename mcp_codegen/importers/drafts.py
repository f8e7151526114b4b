"""What every importer makes of its own kind of description: drafts of APIs, not yet chosen, named and placed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from mcp_codegen.importers.report import Note, Spot
from mcp_codegen.importers.servers import Server

ORDER: Final = (
    "name", "title", "description", "tags", "deprecated", "httpMethod", "endpoint", "active", "gateway", "auth",
    "inputs", "contentType", "body", "outputs", "output", "answerType", "readOnly", "idempotent", "destructive",
    "timeoutSeconds", "pagination", "errors", "examples", "x-vanished", "x-imported",
)  # fmt: skip
"""The keys of an API as a person would write them."""


class LeftOutError(Exception):
    """An operation that cannot become an API; its text says why."""


@dataclass(slots=True)
class Draft:
    """One operation."""

    key: str
    """`METHOD path`."""
    spot: Spot
    wish: str = ""
    """What it should be called."""
    tags: tuple[str, ...] = ()
    server: Server = field(default_factory=Server)
    auth: tuple[dict[str, Any], ...] = ()
    api: dict[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    """Those that its successful answers are said to have."""
    reason: str = ""
    """Why it is left out; empty when it is not."""
    notes: list[Note] = field(default_factory=list)

    def tell(self, said: str, spot: Spot | None = None) -> None:
        """Note something about it."""
        self.notes.append(Note(spot or self.spot, said))


@dataclass(slots=True)
class Description:
    """A whole description, in the catalog's terms."""

    title: str = ""
    text: str = ""
    version: str = ""
    server: Server = field(default_factory=Server)
    auth: tuple[dict[str, Any], ...] = ()
    """What is asked for where an operation says nothing else."""
    drafts: list[Draft] = field(default_factory=list)
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    plain: Callable[[dict[str, Any]], Any] = dict
    """A schema without references and `allOf`."""
    notes: list[Note] = field(default_factory=list)


def ordered(api: dict[str, Any]) -> dict[str, Any]:
    """The API with its keys in their order; others behind them."""
    known = {key: api[key] for key in ORDER if key in api}
    return known | {key: value for key, value in api.items() if key not in known}


def cut(text: str, longest: int) -> str:
    """A text that is not longer than the language allows."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
