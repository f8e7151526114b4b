"""A request to submit a batch: rows as JSON, or an uploaded file, onto disk; then checked as a whole, and accepted."""

from __future__ import annotations

import io
import json
import os
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import sqlalchemy as sa
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from mcp_codegen.orchestrator import inputs
from mcp_codegen.orchestrator.durable import batch_ledger, origins
from mcp_codegen.orchestrator.durable.queues import Priority
from mcp_codegen.orchestrator.service import intake, problems
from mcp_codegen.orchestrator.service.guard import parse
from mcp_codegen.orchestrator.service.intake import Order
from mcp_codegen.orchestrator.service.problems import Complaint, Refusal
from mcp_codegen.orchestrator.service.service import Service

FORM = "multipart/form-data"
KINDS = {".csv": ".csv", ".jsonl": ".jsonl", ".ndjson": ".jsonl", ".json": ".json"}
MOST_KEYS = 20

BatchId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]


class _Submission(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    process: str
    """The name of the process that is run for each row."""
    batch: BatchId | None = None
    """The batch's name, made up where there is none. Rows that it has already are not run again."""
    key: Annotated[list[str], Field(max_length=MOST_KEYS)] = []
    """The inputs that tell rows apart; by default all do."""
    priority: Priority = "normal"


class BatchOrder(_Submission):
    """A batch to be, with its rows."""

    rows: list[dict[str, JsonValue]]
    """The inputs of each run."""


class BatchForm(_Submission):
    """A batch to be, whose rows are uploaded."""

    file: Annotated[str, Field(json_schema_extra={"format": "binary"})]
    """CSV with a header, JSONL, or a JSON array; its name's ending says which, or else its first sign."""


BODY: Mapping[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/BatchOrder"}},
        FORM: {"schema": {"$ref": "#/components/schemas/BatchForm"}},
    },
}


async def received(request: Request, service: Service, *, beside: Collection[str] = ()) -> Order:
    """What is asked for, with its rows in a file of the intake. Raises `Refusal`.

    `beside` are fields of a form that are none of the batch's.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        order = await run_in_threadpool(_from_json, await request.body(), service)
    elif kind == FORM:
        order = await _from_form(request, service, beside)
    else:
        hint = f"send application/json, or {FORM} with a part called file"
        raise Refusal(415, "a batch is JSON, or an uploaded file", hint=hint)
    request.state.target = order.batch  # for the audit log
    return order


def accept(service: Service, order: Order) -> None:
    """Note the batch, and have its rows read. A file that is none is the batch's problem. Raises `Refusal`."""
    file, kept = service.intake.folder / order.file, False
    try:
        _check(service, order)
        known = _noted(service, order)
        problem = intake.problem(service.served(order.process).process.input, file, order.key)
        if problem != known.problem:
            batch_ledger.note_problem(service.database, order.batch, problem)
        if problem is None:
            service.intake.accept(order)
            kept = True
        else:
            batch_ledger.mark(service.database, order.batch, "submitted")  # it ends with the runs that it has
    finally:
        if not kept:
            file.unlink(missing_ok=True)


def _noted(service: Service, order: Order) -> sa.Row[Any]:
    served = service.served(order.process)
    row = batch_ledger.begin(
        service.database,
        order.batch,
        process=order.process,
        source=order.file.partition(".")[2],
        mock=served.mock,
        priority=order.priority,
    )
    if (row.process, row.mock) != (order.process, served.mock):
        whose = f"the batch {order.batch} is one of {row.process}" + (", against a stand-in" if row.mock else "")
        raise Refusal(409, whose, code="batch_conflict", hint="give it another name")
    with service.database.begin() as connection:
        origins.keep(connection, service.database, batch=order.batch)
    if row.state != "running" and not batch_ledger.mark(service.database, order.batch, "running"):  # a new one is
        raise Refusal(409, f"the batch {order.batch} is {row.state}", code="wrong_state", hint="resume it first")
    return row


def _check(service: Service, order: Order) -> None:
    names = inputs.known(service.served(order.process).process.input)
    strange = [name for name in order.key if names is not None and name not in names]
    if strange:
        complaints = [
            Complaint(pointer="body/key", message=inputs.unknown_input(name, names or frozenset())) for name in strange
        ]
        raise Refusal(422, "a key is no input of the process", errors=complaints)
    if service.intake.is_open(order.batch):
        raise Refusal(
            409,
            f"rows of the batch {order.batch} are being read already",
            code="batch_busy",
            hint="wait until its state is no more `running`, or give this one another name",
        )


def _from_json(body: bytes, service: Service) -> Order:
    try:
        told = BatchOrder.model_validate(parse(body), strict=True)
    except ValidationError as error:
        raise problems.invalid(error.errors(include_input=False, include_url=False), "body") from error
    service.served(told.process)
    order = _order(told, ".jsonl")
    with _made(service.intake.folder / order.file) as file:
        for row in told.rows:
            file.write(json.dumps(row).encode() + b"\n")
    return order


async def _from_form(request: Request, service: Service, beside: Collection[str]) -> Order:
    """The file was streamed to disk as it came, and is copied from there."""
    async with request.form(max_files=1, max_fields=10 + MOST_KEYS) as form:
        others = ("key", "file", *beside)
        given: dict[str, Any] = {name: form.get(name) for name in form if name not in others}
        given |= {"key": form.getlist("key")} if "key" in form else {}
        part = form.get("file")
        name = (part.filename or "") if isinstance(part, UploadFile) else ""
        try:
            told = BatchForm.model_validate(given | ({} if part is None else {"file": name}))
        except ValidationError as error:
            raise problems.invalid(error.errors(include_input=False, include_url=False), "body") from error
        service.served(told.process)
        source = part.file if isinstance(part, UploadFile) else io.BytesIO((part or "").encode("utf-8", "replace"))
        return await run_in_threadpool(_kept, service, told, name, source)


def _kept(service: Service, told: BatchForm, name: str, source: BinaryIO) -> Order:
    order = _order(told, KINDS.get(Path(name).suffix.lower()) or _kind(source))
    with _made(service.intake.folder / order.file) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return order


def _kind(source: BinaryIO) -> str:
    """By its first sign, where a file's name does not say."""
    first = source.read(100).lstrip()[:1]
    source.seek(0)
    return {b"[": ".json", b"{": ".jsonl"}.get(first, ".csv")


def _order(told: _Submission, ending: str) -> Order:
    batch = told.batch or f"{told.process}-{uuid.uuid4().hex[:12]}"
    file = f"{uuid.uuid4().hex}{ending}"
    return Order(batch=batch, process=told.process, file=file, key=tuple(told.key), priority=told.priority)


@contextmanager
def _made(path: Path) -> Iterator[BinaryIO]:
    """A new file of the intake; gone where it is not written to its end. Raises OSError."""
    try:
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise
