"""The account of one customer: the status of every invoice, what is owed and what is paid, and the links of all."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from pydantic import BaseModel, Field
from telefonica_invoices import CURRENCY, Bill, measure, read, total, words

from mcp_codegen.orchestrator import Measure, Process, Run, Section
from telefonica_mcp.client import TelefonicaClient


class Customer(BaseModel):
    """Whose account it is."""

    customer_id: int = Field(ge=1, description="The customer's account.", examples=[45829374])
    msisidn: str = Field(
        pattern=r"^\d{8,15}$", description="The phone number, with its country code.", examples=["56987654321"]
    )


class Account(BaseModel):
    """What is known of the account."""

    account_id: int
    name: str
    rut: str
    owed: dict[str, Decimal]
    """What the open invoices come to, by currency."""
    paid: dict[str, Decimal]
    """What the paid ones come to."""
    debt: dict[str, Decimal] | None = None
    """What the customer owes in all, as the debt API says; none where it did not."""
    invoices: list[Bill]


async def analyse(run: Run[Account], telefonica: TelefonicaClient, customer: Customer) -> Account:
    """List the invoices, then, at the same time, get the link of each and the debt.

    Without the list there is no analysis. A link or the debt may be unavailable: that is recorded, and the analysis
    says what it knows.
    """
    listing = await run.step(
        "invoices",
        "Get Customer Invoices",
        lambda: telefonica.listado_de_boletas_fija(customer_id=customer.customer_id, msisidn=customer.msisidn),
    )
    bills = [read(invoice) for invoice in listing.impl_invoice_lists]
    account = Account(
        account_id=customer.customer_id,
        name=listing.customer_name,
        rut=listing.customer_rut,
        owed=total(bills, "open"),
        paid=total(bills, "paid"),
        invoices=bills,
    )
    run.publish(account)

    async def link(position: int, bill: Bill) -> Bill:
        found = await run.step(
            f"link_{position}",
            f"Get Link of {bill.number}",
            lambda: telefonica.retrieve_invoice_link(billing_invoice_number=bill.number, is_cyclic_invoice=bill.cyclic),
            on_error="continue",
        )
        return bill.model_copy(update={"link": found.invoice_link if found else None})

    async def debt() -> dict[str, Decimal] | None:
        found = await run.step(
            "debt",
            "Get Debt",
            lambda: telefonica.deuda_fija(customer_identification=account.rut, type="RUT", document=account.rut),
            on_error="continue",
        )
        if found is None:
            return None
        return {found.currency if isinstance(found.currency, str) else CURRENCY: Decimal(found.total_debt)}

    owing, *linked = await asyncio.gather(debt(), *(link(position, bill) for position, bill in enumerate(bills, 1)))
    return account.model_copy(update={"debt": owing, "invoices": linked})


def summarise(account: Account) -> list[Section]:
    """The customer, the account in sums, and a line for each invoice."""
    debt = "not known" if account.debt is None else words(account.debt)
    return [
        Section("Customer", [f"Name: {account.name}", f"RUT: {account.rut}", f"Account ID: {account.account_id}"]),
        Section("Account", [f"Owed: {words(account.owed)}", f"Paid: {words(account.paid)}", f"Debt in all: {debt}"]),
        Section("Invoices", [line(bill) for bill in account.invoices] or ["none"]),
    ]


def line(bill: Bill) -> str:
    """One invoice on a line."""
    due = f", due {bill.due}" if bill.due else ""
    return f"- {bill.number}: {bill.amount:,} {bill.currency} ({bill.status}{due}) {bill.link or 'no link'}"


def count(account: Account) -> list[Measure]:
    """What reports add up: the invoices, by status."""
    return measure(account.invoices)


process = Process(
    name="account_analysis",
    title="Analysis of one account",
    client=TelefonicaClient,
    input=Customer,
    output=Account,
    body=analyse,
    summary=summarise,
    measures=count,
)
