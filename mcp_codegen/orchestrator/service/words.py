"""The kinds of values that requests hold."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime, BeforeValidator

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


def _written(value: object) -> object:
    """RFC 3339 alone: Pydantic would take a number for the seconds since 1970."""
    if isinstance(value, str) and not _RFC3339.fullmatch(value):
        raise ValueError("write it as 2026-01-31T12:00:00Z")
    return value


RunId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=200, description="The run's id.")]
NewRunId = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=100,
        description="Your id of the run: letters, digits, `.`, `_` and `-`.",
    ),
]
BatchName = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80, description="The batch's name.")
]
ProcessName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]*$", max_length=64, description="The process's name.")]
Name = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80, description="Those of it.")]
Word = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.-]+$", max_length=100, description="Those with this one.")]
Moment = Annotated[
    Annotated[AwareDatetime, BeforeValidator(_written)] | None,
    Query(description="Made then or later (`since`), before (`until`); such as 2026-01-31T12:00:00Z."),
]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
Cursor = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9_-]+$", max_length=400, description="`next` of the page before."),
]
