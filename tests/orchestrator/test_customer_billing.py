"""The flagship process: what it does with every kind of customer, and the whole way from its command to the APIs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen import pipeline
from mcp_codegen.orchestrator import Run, StepError, loading
from mcp_codegen.orchestrator.summary import step_line
from mcp_codegen.standin import Behaviour, environment, parse_fault
from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.errors import NotFound, UpstreamFailed
from telefonica_mcp.models.telefonica import DeudaFijaResult, ListadoDeBoletasFijaResult, RetrieveInvoiceLinkResult
from tests.orchestrator.conftest import ROOT, Orchestrate
from tests.standin.conftest import served

PROCESS = str(ROOT / "catalog" / "telefonica" / "customer_billing.py")
CATALOG = ROOT / "catalog" / "telefonica" / "api_catalog.json"
CUSTOMER = ("--input", "customer_id=45829374", "--input", "msisidn=56987654321")
SUMMARY = """\
================================================================================
PROCESS ORCHESTRATION SUMMARY
================================================================================

Customer Information:
  Name: LOPEZ TORRES MIGUEL ALEJANDRO
  RUT: 198765432
  Account ID: 45829374
  Phone: 56987654321

Invoice Summary:
  Total invoices: 3
    - 523_47_682957384: $9539 CLP (OPEN)
    - 523_47_682957383: $8756 CLP (PAID)
    - 523_47_682957382: $10484 CLP (PAID)

Execution Log:
  [✓] Step 1: Get Customer Invoices
  [✓] Step 2: Get Unpaid Invoice Link
  [✓] Step 3: Get Payment Details

✓ Results saved to: orchestrator_results.json
================================================================================
"""


class FakeTelefonica(TelefonicaClient):
    """Answers what it was given, and remembers what it was asked."""

    def __init__(self, *invoices: dict[str, Any], name: str = "PEÑA ÑUÑOA JOSÉ", owes: bool = True) -> None:
        self.invoices, self.name, self.owes = invoices, name, owes
        self.asked: list[dict[str, object]] = []

    async def listado_de_boletas_fija(self, *, customer_id: int, msisidn: str) -> ListadoDeBoletasFijaResult:
        if customer_id == 404:
            raise NotFound("no such customer", "check the number", status=404)
        return ListadoDeBoletasFijaResult.model_validate(
            {
                "customerId": customer_id,
                "customerName": self.name,
                "customerRut": "198765432",
                "implInvoiceLists": self.invoices,
            }
        )

    async def retrieve_invoice_link(
        self, *, billing_invoice_number: str, is_cyclic_invoice: bool
    ) -> RetrieveInvoiceLinkResult:
        self.asked.append({"number": billing_invoice_number, "cyclic": is_cyclic_invoice})
        return RetrieveInvoiceLinkResult.model_validate({"invoiceLink": "https://example.com/1.pdf"})

    async def deuda_fija(self, *, customer_identification: str, type: str, document: str) -> DeudaFijaResult:
        if not self.owes:
            raise UpstreamFailed("the API failed", "try again later", status=503)
        self.asked.append({"rut": customer_identification, "type": type, "document": document})
        return DeudaFijaResult.model_validate({"customerIdentification": customer_identification, "totalDebt": 0})


def invoice(number: str = "1_1_1", status: str = "O", amount: int = 10, **more: object) -> dict[str, object]:
    return {"billingInvoiceNumber": number, "invoiceStatusInd": status, "invoiceAmount": amount, **more}


async def bill(telefonica: FakeTelefonica, customer_id: int = 1) -> tuple[Run[Any], list[str]]:
    """The run, and the lines of the summary's second section."""
    process, _ = loading.load(PROCESS)
    run = Run[Any]()
    output = await process.body(run, telefonica, process.input(customer_id=customer_id, msisidn="56987654321"))
    return run, list(process.summary(output)[1].lines)


@pytest.mark.anyio
async def test_no_invoices_at_all_is_a_success_that_says_so() -> None:
    run, lines = await bill(FakeTelefonica())
    assert [step.status for step in run.steps] == ["success"] * 3
    assert run.steps[1].data == {"message": "There is no open invoice."}
    assert lines == ["Total invoices: 0", "Open invoices: none"]


@pytest.mark.anyio
async def test_with_only_paid_invoices_no_link_is_asked_for() -> None:
    telefonica = FakeTelefonica(invoice(status="P", currency="CLP"), invoice("1_1_2", status="P", amount=0))
    run, lines = await bill(telefonica)
    assert run.steps[1].data == {"message": "There is no open invoice."}
    assert telefonica.asked == [{"rut": "198765432", "type": "RUT", "document": "198765432"}]
    assert lines == ["Total invoices: 2", "  - 1_1_1: $10 CLP (PAID)", "  - 1_1_2: $0 (PAID)", "Open invoices: none"]


@pytest.mark.anyio
async def test_a_status_nobody_knows_is_shown_as_it_came_and_counts_as_neither() -> None:
    run, lines = await bill(FakeTelefonica(invoice(status="ANULADA"), invoice("1_1_2", currency=None)))
    assert lines == ["Total invoices: 2", "  - 1_1_1: $10 (ANULADA)", "  - 1_1_2: $10 (OPEN)"]
    assert run.output is not None
    assert (run.output.invoice_summary.open, run.output.invoice_summary.paid) == (1, 0)


@pytest.mark.anyio
async def test_the_link_is_asked_for_the_first_open_invoice() -> None:
    telefonica = FakeTelefonica(invoice("1_1_1", "P"), invoice("1_1_2"), invoice("1_1_3"))
    await bill(telefonica)
    assert telefonica.asked[0] == {"number": "1_1_2", "cyclic": False}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("document_type", "cyclic"),
    [
        ({"documentType": "BOLETA CICLICA"}, True),
        ({"documentType": "Factura Cíclica"}, True),
        ({"documentType": "BOLETA NO CICLICA"}, False),
        ({"documentType": "NOTA DE CREDITO"}, False),
        ({"documentType": None}, False),
        ({}, False),
    ],
)
async def test_whether_an_invoice_is_cyclic_comes_from_its_document_type(
    document_type: dict[str, Any], cyclic: bool
) -> None:
    telefonica = FakeTelefonica(invoice(**document_type))
    await bill(telefonica)
    assert telefonica.asked[0]["cyclic"] is cyclic


@pytest.mark.anyio
async def test_when_the_debt_cannot_be_told_it_is_recorded_and_the_process_goes_on() -> None:
    run, _ = await bill(FakeTelefonica(invoice(), owes=False))
    assert step_line(run.steps[2]) == "[✗] Step 3: Get Payment Details — the API failed (upstream_failed)"
    assert run.steps[2].error is not None
    assert run.steps[2].error.status == 503


@pytest.mark.anyio
async def test_without_the_invoices_the_process_fails_and_keeps_what_it_was_given() -> None:
    process, _ = loading.load(PROCESS)
    run = Run[Any]()
    with pytest.raises(StepError, match="step 'invoices' failed: no such customer"):
        await process.body(run, FakeTelefonica(), process.input(customer_id=404, msisidn="56987654321"))
    assert [list(section.lines) for section in process.summary(run.output)] == [
        ["Account ID: 404", "Phone: 56987654321"]
    ]


@pytest.mark.parametrize("server", ["stdio", "in-process"])
def test_the_command_prints_the_summary_and_saves_the_results(tmp_path: Path, server: str) -> None:
    done = command(tmp_path, *CUSTOMER, "--mock", "--server", server)
    assert done.stdout == SUMMARY
    assert done.returncode == 0
    saved = json.loads((tmp_path / "orchestrator_results.json").read_text(encoding="utf-8"))
    assert saved["customer_data"] == {
        "account_id": 45829374,
        "phone": "56987654321",
        "name": "LOPEZ TORRES MIGUEL ALEJANDRO",
        "rut": "198765432",
    }
    results = saved["results"]
    assert list(results) == ["invoices", "invoice_link", "payment_details"]
    assert results["invoices"]["implInvoiceLists"][0]["invoiceDueDate"] == "2025-12-01"
    assert results["invoice_link"]["invoiceLink"].endswith("/523_47_682957384.pdf")
    assert results["payment_details"]["totalDebt"] == 9539
    assert [entry["status"] for entry in saved["execution_log"]] == ["success"] * 3


def test_a_server_that_runs_already_serves_the_process(tmp_path: Path) -> None:
    with stand_in() as environ, serving(environ) as url:
        assert command(tmp_path, *CUSTOMER, "--server", url).stdout == SUMMARY


def test_a_debt_api_that_fails_is_told_and_the_process_succeeds(tmp_path: Path) -> None:
    with stand_in("deuda_fija=503:1") as environ:
        done = command(tmp_path, *CUSTOMER, environ=environ)
    assert done.returncode == 0
    assert "  [✗] Step 3: Get Payment Details — " in done.stdout
    assert "(upstream_failed)\n" in done.stdout


def test_missing_credentials_are_named_with_what_to_do(tmp_path: Path) -> None:
    done = command(tmp_path, *CUSTOMER, "--server", "in-process")
    assert done.returncode == 1
    assert "✗ The process failed at step 1: " in done.stdout
    assert "(not_configured)" in done.stdout
    assert "APIM_" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_refused_key_is_told_and_never_shown(tmp_path: Path) -> None:
    with stand_in() as environ:
        done = command(tmp_path, *CUSTOMER, environ=environ | {"APIM_SUBSCRIPTION_KEY": "wr0ng-key"})
    assert done.returncode == 1
    assert "(unauthorized)" in done.stdout
    assert "wr0ng" not in done.stdout + done.stderr + (tmp_path / "orchestrator_results.json").read_text()


def test_every_problem_with_the_customer_is_told_before_anything_runs(orchestrate: Orchestrate) -> None:
    result = orchestrate("run", PROCESS, "--input", "customer_id=0", "--input", "msisidn=phone", "--input", "rut=1")
    assert result.exit_code == 2
    for name in ("customer_id: ", "msisidn: ", "'rut': there is no such input"):
        assert name in result.stderr


def command(folder: Path, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command, in an empty folder and without settings but those that it is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("APIM_", "API_", "BEARER_"))}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "mcp_codegen.orchestrator", "run", PROCESS, *words],
        cwd=folder,
        env=kept | (environ or {}) | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@contextmanager
def stand_in(*faults: str) -> Iterator[dict[str, str]]:
    """The settings that lead to a stand-in of the catalog's APIs."""
    catalog = pipeline.load(CATALOG).catalog
    names = [operation.api.name for operation in catalog.active]
    behaviour = Behaviour(faults=tuple(parse_fault(fault, names) for fault in faults))
    with served(catalog, behaviour) as client:
        yield environment(catalog, str(client.base_url).rstrip("/"), {})


@contextmanager
def serving(environ: dict[str, str]) -> Iterator[str]:
    """The URL of an MCP server with these settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "telefonica_mcp", "--transport", "http", "--port", str(port)],
        env=os.environ | environ,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
