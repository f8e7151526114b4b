"""Personal data of durable runs: nowhere to be read but where it was asked for."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen.orchestrator.durable import database as databases
from mcp_codegen.orchestrator.durable import ledger
from tests.orchestrator.conftest import PARCELS, Orchestrate

PHONE, NAME = "56987654321", "LOPEZ TORRES"
PROCESS = """
from pydantic import BaseModel, Field
from mcp_codegen.orchestrator import Personal, Process, ProcessError, Run
from tests.orchestrator.processes.parcels import Parcels

class Customer(BaseModel):
    phone: Personal[str] = Field(pattern=r"^\\d+$")
    how: str = "well"

class Answer(BaseModel):
    holder: str = Field(default="", repr=False)
    amount: int = 0

class Known(BaseModel):
    number: Personal[str]
    open: int

async def body(run: Run[Known], parcels: Parcels, customer: Customer) -> Known:
    run.publish(Known(number=customer.phone, open=0))
    found = await run.step("find", "Find", lambda: find(customer))
    return Known(number=customer.phone, open=found.amount)

async def find(customer: Customer) -> Answer:
    if customer.how != "well":
        raise ProcessError(f"nobody has {customer.phone}\\x1b[31m", hint=f"is {customer.phone} right?", code="unknown")
    return Answer(holder="LOPEZ TORRES", amount=3)

process = Process(name="people", title="People", client=Parcels, input=Customer, output=Known, body=body)
"""


def test_personal_data_is_in_no_list_no_file_and_no_error_unless_it_is_asked_for(orchestrate: Orchestrate) -> None:
    Path("people.py").write_text(PROCESS, "utf-8")
    rows = [{"phone": PHONE}, {"phone": "56911111111", "how": "badly"}, {"phone": f"{NAME} 1"}]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    batch = ("batch", "people.py", "--inputs", "rows.jsonl", "--key", "phone", "--server", "in-process")
    told = [orchestrate(*batch).output]
    assert "phone: should match" in Path("people-rows.rejects.csv").read_text("utf-8").replace("String ", "")
    told += [path.read_text("utf-8") for path in Path().glob("people-rows*")]
    listed = json.loads(orchestrate("runs", "list", "--batch", "people-rows", "--json").stdout)
    ids = [each["run_id"] for each in listed]
    told += [json.dumps(listed), orchestrate("batches", "show", "people-rows", "--json").stdout]
    for run_id in ids:
        told += [orchestrate("runs", "show", run_id).stdout, orchestrate("runs", "show", run_id, "--json").stdout]
    for text in told:
        assert not [secret for secret in (PHONE, "56911111111", NAME, "\x1b") if secret in text], text
    assert listed[1]["error"] == {"code": "unknown", "message": "nobody has ***\x1b[31m"}
    kept = databases.connect("orchestrator.sqlite")
    with kept.connect() as connection:
        ours = [*connection.execute(ledger.runs.select()), *connection.execute(ledger.batches.select())]
    kept.dispose()
    assert not [
        secret for secret in (PHONE, "56911111111", NAME) if secret in repr(ours)
    ], "the engine's tables hold them"

    whole = json.loads(orchestrate("runs", "show", ids[0], "--json", "--show-personal").stdout)
    assert (whole["input"]["phone"], whole["steps"][0]["data"]["holder"]) == (PHONE, NAME)
    assert orchestrate(*batch, "--show-personal").exit_code == 1
    with Path("people-rows.csv").open() as opened:
        assert [row["input.phone"] for row in csv.DictReader(opened)] == [PHONE, "56911111111"]


def test_a_run_that_has_not_ended_is_masked_by_what_its_process_has_marked(orchestrate: Orchestrate) -> None:
    Path("people.py").write_text(PROCESS, "utf-8")
    rows = [{"phone": f"5691111{number}", "how": "badly"} for number in range(1000, 1030)]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    batch = ("batch", "people.py", "--inputs", "rows.jsonl", "--server", "in-process", "--concurrency", "1")
    assert orchestrate(*batch, "--max-failures", "0").exit_code == 4
    [waiting] = json.loads(orchestrate("runs", "list", "--status", "unfinished", "--limit", "1", "--json").stdout)
    shown: dict[str, Any] = json.loads(orchestrate("runs", "show", waiting["run_id"], "--json").stdout)
    assert (shown["status"], shown["input"]) == ("held", {"phone": "***", "how": "badly"})
    shown = json.loads(orchestrate("runs", "show", waiting["run_id"], "--json", "--show-personal").stdout)
    assert shown["input"]["phone"].startswith("5691111")


@pytest.mark.parametrize("process", ["people.py", PARCELS])
def test_an_input_that_is_refused_is_quoted_unless_it_is_personal(orchestrate: Orchestrate, process: str) -> None:
    Path("people.py").write_text(PROCESS, "utf-8")
    word = ("phone", f"{PHONE}x") if process == "people.py" else ("place", "No")
    refused = orchestrate("run", process, "--input", "=".join(word))
    assert refused.exit_code == 2
    assert (word[1] in refused.stderr) is (process == PARCELS)
