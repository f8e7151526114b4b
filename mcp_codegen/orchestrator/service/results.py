"""A batch's results as they are downloaded: row by row, however many there are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Literal

import sqlalchemy as sa

from mcp_codegen.orchestrator import store
from mcp_codegen.orchestrator.durable import batch_ledger, exporting
from mcp_codegen.orchestrator.record import RunRecord
from mcp_codegen.orchestrator.service import showing
from mcp_codegen.orchestrator.service.access import Caller
from mcp_codegen.orchestrator.service.service import Service

Format = Literal["jsonl", "json", "csv"]
TYPES: dict[Format, str] = {"jsonl": "application/x-ndjson", "json": "application/json", "csv": "text/csv"}
CONTENT = {
    "application/x-ndjson": {"schema": {"type": "string"}},
    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
    "text/csv": {"schema": {"type": "string"}},
}

_Ended = tuple[sa.Row[Any], RunRecord]


def stream(service: Service, caller: Caller, batch: sa.Row[Any], kind: Format) -> Iterator[str]:
    """The runs of a batch that have ended, in the order of its file, as the caller may see them."""
    ended = _ended(service, caller, batch.batch)
    match kind:
        case "csv":
            return _csv(service, batch.process, ended)
        case "json":
            return _json(ended)
    return (_line(*each) + "\n" for each in ended)


def _ended(service: Service, caller: Caller, batch: str) -> Iterator[_Ended]:
    for page in batch_ledger.pages(service.database, batch):
        records = service.history.records([row.run_id for row in page if row.status is not None])
        for row in page:
            if (record := records.get(row.run_id)) is not None:
                yield row, showing.record(caller, record)


def _line(row: sa.Row[Any], record: RunRecord) -> str:
    return json.dumps({"row": row.row, **store.document(record)}, ensure_ascii=True)


def _json(ended: Iterator[_Ended]) -> Iterator[str]:
    before = "["
    for each in ended:
        yield before + _line(*each)
        before = ",\n"
    yield "]\n" if before != "[" else "[]\n"


def _csv(service: Service, process: str, ended: Iterator[_Ended]) -> Iterator[str]:
    """A column for each member of input and output; without the process nobody knows them, and there are none."""
    served = service.processes.get(process)
    parts = {"input": served.process.input, "output": served.process.output} if served is not None else {}
    columns = [(part, name) for part, model in parts.items() for name in model.model_fields]
    yield _cells([*exporting.RUN, *(".".join(column) for column in columns)])
    for row, record in ended:
        flat = record.model_dump(mode="json")
        error = flat["error"] or {}
        told = flat | {"row": row.row, "error_code": error.get("code"), "error_message": error.get("message")}
        told["failed_step"] = row.failed_step
        cells = [told[name] for name in exporting.RUN] + [flat[part].get(name) for part, name in columns]
        yield _cells([exporting.cell(value) for value in cells])


def _cells(values: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()
