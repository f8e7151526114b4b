"""Invoices as processes work with them: amounts as Decimal, dates as dates, nothing that may be missing in two ways."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel

from mcp_codegen.orchestrator import Measure
from telefonica_mcp.models.telefonica import Invoice

CURRENCY = "CLP"
"""The catalog gives amounts in pesos, also where an invoice does not say so."""

Status = Literal["open", "paid", "unknown"]
STATUSES: dict[str, Status] = {"O": "open", "P": "paid"}


class Bill(BaseModel):
    """An invoice, and its payment link once that was asked for."""

    number: str
    amount: Decimal
    currency: str
    status: Status
    due: date | None
    cyclic: bool
    """Whether it is issued every month."""
    link: str | None = None


def read(invoice: Invoice) -> Bill:
    """The invoice that the API gave."""
    kind = invoice.document_type if isinstance(invoice.document_type, str) else ""
    words = kind.upper().replace("Í", "I").split()
    return Bill(
        number=invoice.billing_invoice_number,
        amount=Decimal(invoice.invoice_amount),
        currency=invoice.currency if isinstance(invoice.currency, str) else CURRENCY,
        status=STATUSES.get(invoice.invoice_status_ind, "unknown"),
        due=invoice.invoice_due_date if isinstance(invoice.invoice_due_date, date) else None,
        cyclic="CICLICA" in words and "NO" not in words,
    )


def total(bills: Iterable[Bill], status: Status) -> dict[str, Decimal]:
    """What the invoices of a status come to, by currency."""
    sums: dict[str, Decimal] = {}
    for bill in bills:
        if bill.status == status:
            sums[bill.currency] = sums.get(bill.currency, Decimal(0)) + bill.amount
    return sums


def words(sums: dict[str, Decimal]) -> str:
    """Sums for people: `18,295 CLP`."""
    return " + ".join(f"{amount:,} {currency}" for currency, amount in sorted(sums.items())) or "nothing"


def measure(bills: Iterable[Bill]) -> list[Measure]:
    """What reports add up: each invoice's amount, by its status."""
    return [
        Measure(name="Invoices", group=bill.status, amount=bill.amount, currency=bill.currency[:20]) for bill in bills
    ]
