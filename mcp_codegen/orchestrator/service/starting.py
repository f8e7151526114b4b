"""Starts runs: the input is checked, then the run and its place in the queue are written together, once for each id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue, ValidationError
from pydantic_core import to_json

from mcp_codegen.orchestrator import inputs
from mcp_codegen.orchestrator.durable import accepting, ledger, origins
from mcp_codegen.orchestrator.durable.queues import Priority
from mcp_codegen.orchestrator.process import Process
from mcp_codegen.orchestrator.service import problems
from mcp_codegen.orchestrator.service.problems import Complaint, Refusal
from mcp_codegen.orchestrator.service.served import Served
from mcp_codegen.orchestrator.service.service import Service


def checked(process: Process[Any, Any, Any], given: dict[str, JsonValue]) -> JsonValue:
    """The input as it is kept. Raises `Refusal` (422) with everything that is wrong with it."""
    names = inputs.known(process.input)
    strange = [name for name in given if names is not None and name not in names]
    if strange:
        complaints = [_complaint(name, inputs.unknown_input(name, names or frozenset())) for name in strange]
        raise _unfit(complaints)
    try:
        value = process.input.model_validate_json(to_json(_whole(given)), strict=True)
    except ValidationError as error:
        raise problems.invalid(error.errors(include_input=False, include_url=False), "body/input") from error
    except ValueError as error:
        raise Refusal(400, f"the body is no JSON: {error}", code="invalid_json") from error
    try:
        stored: JsonValue = accepting.stored(process.input, value)
    except ValueError as error:
        raise _unfit([Complaint(pointer="body/input", message=str(error))]) from error
    return stored


def start(service: Service, served: Served, run_id: str, given: JsonValue, priority: Priority) -> bool:
    """Have a run started; false where it was started before with the same input. Raises `Refusal` (409)."""
    name, database = served.process.name, service.database
    with database.begin() as connection:
        if ledger.add_one(connection, database, run_id, name, queue=served.queue):
            served.submitter.enqueue(connection, run_id, given, priority=priority)
            origins.keep(connection, database, run_id=run_id)
            return True
    row = ledger.find_run(database, run_id)
    if row is not None and row.process == name and row.queue == served.queue and service.history.given(run_id) == given:
        return False
    raise Refusal(
        409,
        f"the run {run_id} was started with another input, or of another process",
        code="run_conflict",
        hint="an id stands for one run: take another one for another input",
    )


def _whole(value: JsonValue) -> JsonValue:
    """JSON knows one kind of number: 3.0 is an integer there."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _whole(each) for name, each in value.items()}
        case list():
            return [_whole(each) for each in value]
    return value


def _complaint(name: str, message: str) -> Complaint:
    return Complaint(pointer=f"body/input/{name}", message=message)


def _unfit(complaints: Sequence[Complaint]) -> Refusal:
    return Refusal(422, "the input is not the process's", hint="GET /processes tells its schema", errors=complaints)
