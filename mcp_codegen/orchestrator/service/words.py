"""The kinds of values that requests hold."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query

RunId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=200, description="The run's id.")]
NewRunId = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=100,
        description="Your id of the run: letters, digits, `.`, `_` and `-`.",
    ),
]
BatchName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80, description="The batch's name.")]
ProcessName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]*$", max_length=64, description="The process's name.")]
RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
Cursor = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9_-]*$", max_length=400, description="`next` of the page before."),
]
