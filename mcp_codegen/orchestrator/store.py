"""Where results are kept: one JSON file for a run."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from mcp_codegen.orchestrator.errors import ResultsError, shown
from mcp_codegen.orchestrator.record import RunRecord


def document(record: RunRecord) -> dict[str, Any]:
    """A run as its results file shows it: the run, what the process published, results by step, the execution log."""
    plain: dict[str, Any] = record.model_dump(mode="json")
    steps, output = plain.pop("steps"), plain.pop("output")
    return {**plain, **output, "results": {step["key"]: step["data"] for step in steps}, "execution_log": steps}


def to_text(record: RunRecord) -> str:
    """The results file's text."""
    return to_json(document(record), indent=2, inf_nan_mode="null").decode() + "\n"


def prepare(path: Path) -> None:
    """Make sure that results can be saved there, before anything runs. Raises ResultsError."""
    if path.exists() and not path.is_file():
        raise ResultsError(
            f"results cannot be saved to {shown(str(path))}: it is not a regular file",
            code="results_not_saved",
            hint="name a file with --results FILE",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _not_saved(path, error) from error


def save(record: RunRecord, path: Path) -> None:
    """Replace the file at once: whoever reads it sees the old results or the new. Raises ResultsError.

    Results hold personal data: only the user may read the file.
    """
    target = path.resolve()
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(to_text(record))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise _not_saved(path, error) from error


def _not_saved(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"results cannot be saved to {shown(str(path))}: {error.strerror or type(error).__name__}",
        code="results_not_saved",
        hint="name a file that you may write with --results FILE",
    )
