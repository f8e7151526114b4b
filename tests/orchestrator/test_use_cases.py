"""The processes that come along, from their command to the APIs: enquiry, analysis of an account, collection."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen.orchestrator import Run, loading
from tests.orchestrator.conftest import ROOT, Orchestrate
from tests.orchestrator.test_customer_billing import FakeTelefonica, invoice

FOLDER = ROOT / "catalog" / "telefonica"
CUSTOMER = ("--input", "customer_id=45829374", "--input", "msisidn=56987654321")


def result_of(orchestrate: Orchestrate, process: str, *words: str) -> dict[str, Any]:
    words = (*CUSTOMER, *words, "--mock", "--server", "in-process", "--json")
    result = orchestrate("run", str(FOLDER / process), *words)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def measured(process: str, told: dict[str, Any]) -> list[dict[str, Any]]:
    """What a report adds up of a run."""
    loaded, _ = loading.load(str(FOLDER / process))
    output = loaded.output.model_validate({name: told[name] for name in loaded.output.model_fields})
    return [each.model_dump(mode="json") for each in loaded.measures(output)]


def test_the_enquiry_finds_the_pending_invoice_and_its_link_and_counts_what_is_open(orchestrate: Orchestrate) -> None:
    told = result_of(orchestrate, "customer_billing.py")
    assert told["results"]["invoice_link"]["invoiceLink"] == "https://facturas.example.com/523_47_682957384.pdf"
    assert [(each["group"], each["amount"]) for each in measured("customer_billing.py", told)] == [
        *(("OPEN", "9539"), ("PAID", "8756"), ("PAID", "10484"))
    ]


def test_the_analysis_has_every_invoice_with_its_link_and_what_is_owed_and_paid(orchestrate: Orchestrate) -> None:
    told = result_of(orchestrate, "account_analysis.py")
    assert (told["owed"], told["paid"], told["debt"]) == ({"CLP": "9539"}, {"CLP": "19240"}, {"CLP": "9539"})
    assert [(each["status"], each["due"], bool(each["link"])) for each in told["invoices"]] == [
        *(("open", "2025-12-01", True), ("paid", "2025-11-01", True), ("paid", "2025-10-01", True))
    ]


def test_collection_tells_how_late_an_invoice_is_and_where_to_pay_it(orchestrate: Orchestrate) -> None:
    told = result_of(orchestrate, "collection.py", "--input", "as_of=2025-12-31")
    assert (told["verdict"], told["owed"]) == ("overdue", {"CLP": "9539"})
    [claim] = told["claims"]
    assert claim["days_overdue"] == 30
    assert claim["invoice"]["link"] == "https://facturas.example.com/523_47_682957384.pdf"
    assert measured("collection.py", told)[1] == {
        "name": "Claims",
        "group": "1 to 30 days",
        "amount": "9539",
        "currency": "CLP",
    }
    assert result_of(orchestrate, "collection.py", "--input", "as_of=2025-12-01")["verdict"] == "not due yet"


def test_collection_goes_over_all_customers_and_the_report_adds_up_what_they_owe(orchestrate: Orchestrate) -> None:
    inputs = ("--inputs", str(FOLDER / "customers.csv"))
    result = orchestrate("batch", str(FOLDER / "collection.py"), *inputs, "--mock", "--server", "in-process")
    assert result.exit_code == 0, result.output
    lines = Path("collection-customers-mock.jsonl").read_text("utf-8").splitlines()
    owed = [Decimal(each["owed"].get("CLP", 0)) for each in map(json.loads, lines)]
    assert len(owed) == 5
    assert 0 in owed, "some customers owe nothing"
    report = json.loads(Path("collection-customers-mock.report.json").read_text("utf-8"))
    for name in ("Claims", "Invoices"):
        amounts = [Decimal(each["total"]) for each in report["amounts"] if each["name"] == name]
        assert sum(amounts) == sum(owed) > 0


async def body_of(file: str, telefonica: FakeTelefonica, **more: Any) -> tuple[Run[Any], Any]:
    process, _ = loading.load(str(FOLDER / file))
    run = Run[Any]()
    return run, await process.body(run, telefonica, process.input(customer_id=1, msisidn="56987654321", **more))


@pytest.mark.anyio
async def test_of_who_owes_nothing_neither_debt_nor_links_are_asked_for() -> None:
    telefonica = FakeTelefonica(invoice(status="P"))
    run, known = await body_of("collection.py", telefonica)
    assert (known.verdict, telefonica.asked) == ("owes nothing", [])
    assert run.steps[-1].reason == "nothing is owed"


@pytest.mark.anyio
async def test_an_analysis_says_what_it_knows_when_the_debt_is_not_to_be_had() -> None:
    _, account = await body_of("account_analysis.py", FakeTelefonica(invoice(), invoice("1_1_2", "X"), owes=False))
    assert account.debt is None
    assert [each.status for each in account.invoices] == ["open", "unknown"]
    assert account.owed == {"CLP": Decimal(10)}
