"""What a batch leaves on disk: results as JSONL and CSV, and the rows that were rejected."""

from __future__ import annotations

import csv
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import sqlalchemy as sa

from mcp_codegen.orchestrator import masking, store
from mcp_codegen.orchestrator.durable import batch_ledger, transact
from mcp_codegen.orchestrator.errors import ResultsError, printable, shown
from mcp_codegen.orchestrator.record import RunRecord

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would run a cell that starts so."""
COLUMNS = 200
"""Of inputs and of outputs, about: a process may take and give any."""
SETTLING_SECONDS = 5.0
"""How long, in all, the engine is given to note the last runs that have ended."""
RUN = ("row", "run_id", "status", "error_code", "error_message", "failed_step", "started_at", "finished_at", "duration")


def results(
    database: sa.Engine,
    history: transact.History,
    batch: str,
    stem: Path,
    take: Callable[[int | None, RunRecord], None],
    *,
    show_personal: bool = False,
) -> list[Path]:
    """Write STEM.jsonl, a run's whole record on a line, and STEM.csv, in the order of the file; `take` is told of each.

    Runs that have not ended are not in them. Personal data is masked unless it is asked for. Raises ResultsError.
    """
    columns: dict[str, dict[str, None]] = {"input": {}, "output": {}}
    lines_file, table_file = with_suffix(stem, ".jsonl"), with_suffix(stem, ".csv")
    patience = time.monotonic() + SETTLING_SECONDS
    with replacing(lines_file) as lines, tempfile.TemporaryFile("w+", encoding="utf-8") as flattened:
        for page in batch_ledger.pages(database, batch):
            records = _records(history, page, patience)
            for each in page:
                if (record := records.get(each.run_id)) is None:
                    continue
                record = record if show_personal else masking.masked(record)
                take(each.row, record)
                lines.write(json.dumps({"row": each.row, **store.document(record)}, ensure_ascii=True) + "\n")
                flat = _flat(record) | {"row": each.row, "failed_step": each.failed_step}
                for part, names in columns.items():
                    names.update(dict.fromkeys(flat[part]) if len(names) < COLUMNS else {})
                flattened.write(json.dumps(flat) + "\n")
        flattened.seek(0)
        with replacing(table_file) as table:
            rows = csv.writer(table)
            rows.writerow([*RUN, *(f"{part}.{name}" for part, names in columns.items() for name in names)])
            for flat in map(json.loads, flattened):
                cells = [flat[name] for name in RUN]
                cells += [flat[part].get(name) for part, names in columns.items() for name in names]
                rows.writerow([cell(value) for value in cells])
    return [lines_file, table_file]


def _records(history: transact.History, page: Sequence[sa.Row[Any]], patience: float) -> dict[str, RunRecord]:
    """The records of a page. We note the end of a run just before the engine does: its last ones are waited for."""
    ended = {each.run_id for each in page if each.status in ("succeeded", "failed")}
    while True:
        records = history.records([each.run_id for each in page])
        if ended <= records.keys() or time.monotonic() > patience:
            return records
        time.sleep(0.05)


def _flat(record: RunRecord) -> dict[str, Any]:
    """What of a run goes into a table; which columns there are is known only when all were seen."""
    plain: dict[str, Any] = record.model_dump(mode="json", exclude={"steps", "measures", "personal"})
    error = plain.pop("error") or {}
    return plain | {"error_code": error.get("code"), "error_message": error.get("message")}


@contextmanager
def rejects(stem: Path) -> Iterator[Callable[[int, str, dict[str, Any]], None]]:
    """Takes row number, reason and row of each that is rejected, for STEM.rejects.csv; with none, there is no file."""
    path = with_suffix(stem, ".rejects.csv")
    opened: list[TextIO] = []
    try:
        path.unlink(missing_ok=True)

        def reject(number: int, reason: str, row: dict[str, Any]) -> None:
            try:
                if not opened:
                    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
                    opened.append(os.fdopen(handle, "w", newline="", buffering=1))
                    csv.writer(opened[0]).writerow(["row", "reason", "input"])
                csv.writer(opened[0]).writerow([number, cell(reason), cell(json.dumps(row))])
            except OSError as error:
                raise _not_saved(path, error) from error

        yield reject
    except OSError as error:
        raise _not_saved(path, error) from error
    finally:
        for file in opened:
            with suppress(OSError):  # a line at a time is written: what failed was told
                file.close()


def with_suffix(stem: Path, suffix: str) -> Path:
    """A name beside the others of the batch; dots in it are part of it."""
    return stem.with_name(stem.name + suffix)


def cell(value: object) -> object:
    """A value as a spreadsheet may hold it: nothing that it would run."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = printable(text) if not text.isprintable() else text
    return f"'{text}" if text.startswith(FORMULA) else text


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """As `store.replacing`. Raises ResultsError."""
    try:
        with store.replacing(path) as file:
            yield file
    except OSError as error:
        raise _not_saved(path, error) from error


def _not_saved(path: Path, error: OSError) -> ResultsError:
    return ResultsError(
        f"{shown(str(path))} cannot be written: {error.strerror}",
        code="results_not_saved",
        hint="name files that you may write with --results",
    )
