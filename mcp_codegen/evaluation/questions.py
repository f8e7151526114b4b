"""A file of questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_codegen import source
from mcp_codegen.errors import CatalogError, Problem, shown
from mcp_codegen.validation import problems


class Question(BaseModel):
    """What somebody asks, and what answers it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    ask: str = Field(min_length=1, max_length=2000)
    """In anybody's words."""
    tool: str | list[str]
    """The tool that answers it, or several of which each does."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Those that follow from the question; a call may have more."""

    @property
    def tools(self) -> tuple[str, ...]:
        """Each tool that answers it."""
        return (self.tool,) if isinstance(self.tool, str) else tuple(self.tool)


class _Questions(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    questions: list[Question] = Field(min_length=1)


def read(file: Path, tools: Iterable[str]) -> tuple[Question, ...]:
    """The questions of a JSON or YAML file about a catalog with these tools. Raises `CatalogError`."""
    text = source.load(file)
    try:
        found = _Questions.model_validate(text.data).questions
    except ValidationError as error:
        raise CatalogError(text.diagnostics(problems(error, _Questions, text.data))) from error
    known = frozenset(tools)
    if wrong := list(_unknown(found, known)):
        raise CatalogError(text.diagnostics(wrong))
    return tuple(found)


def _unknown(questions: list[Question], known: frozenset[str]) -> Iterator[Problem]:
    for place, question in enumerate(questions):
        for name in question.tools:
            if name not in known:
                said = f"the catalog has no active tool {shown(name)}"
                yield Problem(("questions", place, "tool"), said, "name one that `mcp-codegen list` shows")
