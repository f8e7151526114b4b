"""Where results are kept: one JSON file for a run."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from pydantic_core import to_json

from mcp_codegen.orchestrator.errors import ResultsError, shown
from mcp_codegen.orchestrator.record import RunRecord


def document(record: RunRecord) -> dict[str, Any]:
    """A run as its results file shows it: the run, what the process published, results by step, the execution log."""
    marks: dict[str, Any] = {"personal": True, "measures": True, "steps": {"__all__": {"personal"}}}
    plain: dict[str, Any] = record.model_dump(mode="json", exclude=marks)
    steps, output = plain.pop("steps"), plain.pop("output")
    return {**plain, **output, "results": {step["key"]: step["data"] for step in steps}, "execution_log": steps}


def to_text(record: RunRecord) -> str:
    """The results file's text."""
    try:
        return to_json(document(record), indent=2, inf_nan_mode="null").decode() + "\n"
    except ValueError:  # half a surrogate, which UTF-8 does not have: as an escape
        return json.dumps(document(record), indent=2) + "\n"


def prepare(path: Path) -> Path:
    """Make sure that results can be saved there, before anything runs; gives the absolute path. Raises ResultsError."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            raise ResultsError(
                f"results cannot be saved to {shown(str(path))}: it is not a regular file",
                code="results_not_saved",
                hint="name a file with --results FILE",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}."):
            pass
    except (OSError, RuntimeError, ValueError) as error:
        raise _not_saved(path, error) from error
    return target


def save(record: RunRecord, path: Path) -> None:
    """Replace the file at once: whoever reads it sees the old results or the new. Raises ResultsError.

    Results hold personal data: only the user may read the file.
    """
    try:
        with replacing(path) as file:
            file.write(to_text(record))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _not_saved(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of another when it is whole. Only the user may read it. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _not_saved(path: Path, error: Exception) -> ResultsError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return ResultsError(
        f"results cannot be saved to {shown(str(path))}: {reason}",
        code="results_not_saved",
        hint="name a file that you may write with --results FILE",
    )
