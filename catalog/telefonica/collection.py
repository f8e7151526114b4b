"""Collection: does a customer owe anything, since when, and where can it be paid? Run it over many with `batch`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field
from telefonica_invoices import CURRENCY, Bill, measure, read, total, words

from mcp_codegen.orchestrator import Measure, Process, Run, Section
from telefonica_mcp.client import TelefonicaClient


class Customer(BaseModel):
    """Who is looked at."""

    customer_id: int = Field(ge=1, description="The customer's account.", examples=[45829374])
    msisidn: str = Field(
        pattern=r"^\d{8,15}$", description="The phone number, with its country code.", examples=["56987654321"]
    )
    as_of: date | None = Field(default=None, description="The day from which days overdue count; today by default.")


class Claim(BaseModel):
    """An open invoice, with where to pay it."""

    invoice: Bill
    days_overdue: int | None
    """0 where it is not due yet; none where it has no date."""


class Collection(BaseModel):
    """What to ask of the customer."""

    account_id: int
    name: str
    rut: str
    verdict: Literal["owes nothing", "not due yet", "overdue", "due date not known"]
    owed: dict[str, Decimal] = {}
    """What the open invoices come to, by currency."""
    debt: dict[str, Decimal] | None = None
    """What the debt API says; where it differs from `owed`, somebody should look before the customer is asked."""
    claims: list[Claim] = []
    """The open invoices, those overdue longest first."""


async def collect(run: Run[Collection], telefonica: TelefonicaClient, customer: Customer) -> Collection:
    """Find out whether the customer owes; only of those who do, get the debt and the payment link of each open invoice.

    A claim without its link cannot be paid: then the run fails, and can be retried.
    """
    listing = await run.step(
        "invoices",
        "Get Customer Invoices",
        lambda: telefonica.listado_de_boletas_fija(customer_id=customer.customer_id, msisidn=customer.msisidn),
    )
    day = customer.as_of or date.fromisoformat(await run.step("today", "Look at the Calendar", today))
    opened = [bill for bill in map(read, listing.impl_invoice_lists) if bill.status == "open"]
    claims = sorted((claim(bill, day) for bill in opened), key=lambda each: -(each.days_overdue or 0))
    known = Collection(
        account_id=customer.customer_id,
        name=listing.customer_name,
        rut=listing.customer_rut,
        verdict=judge(claims),
        owed=total(opened, "open"),
        claims=claims,
    )
    run.publish(known)
    if not claims:
        run.skip("debt", "Get Debt", "nothing is owed")
        return known

    debt = await run.step(
        "debt",
        "Get Debt",
        lambda: telefonica.deuda_fija(customer_identification=known.rut, type="RUT", document=known.rut),
        on_error="continue",
    )
    if debt is not None:
        currency = debt.currency if isinstance(debt.currency, str) else CURRENCY
        known = known.model_copy(update={"debt": {currency: Decimal(debt.total_debt)}})
    linked = [await link(run, telefonica, position, each) for position, each in enumerate(claims, 1)]
    return known.model_copy(update={"claims": linked})


async def today() -> str:
    """The clock is read in a step: a run that goes on tomorrow counts from the same day."""
    return date.today().isoformat()


def claim(bill: Bill, day: date) -> Claim:
    """How long an open invoice has been due."""
    return Claim(invoice=bill, days_overdue=max((day - bill.due).days, 0) if bill.due else None)


def judge(claims: list[Claim]) -> Literal["owes nothing", "not due yet", "overdue", "due date not known"]:
    """What the claims say together: the worst of them."""
    if not claims:
        return "owes nothing"
    if any(each.days_overdue for each in claims):
        return "overdue"
    return "due date not known" if any(each.days_overdue is None for each in claims) else "not due yet"


async def link(run: Run[Collection], telefonica: TelefonicaClient, position: int, claim: Claim) -> Claim:
    """The claim with the payment link of its invoice."""
    bill = claim.invoice
    found = await run.step(
        f"link_{position}",
        f"Get Link of {bill.number}",
        lambda: telefonica.retrieve_invoice_link(billing_invoice_number=bill.number, is_cyclic_invoice=bill.cyclic),
    )
    return claim.model_copy(update={"invoice": bill.model_copy(update={"link": found.invoice_link})})


def summarise(known: Collection) -> list[Section]:
    """The customer and the verdict; where something is owed, each claim."""
    customer = Section("Customer", [f"Name: {known.name}", f"RUT: {known.rut}", f"Account ID: {known.account_id}"])
    if not known.claims:
        return [customer, Section("Collection", [f"Verdict: {known.verdict}"])]
    debt = "not known" if known.debt is None else words(known.debt)
    return [
        customer,
        Section("Collection", [f"Verdict: {known.verdict}", f"Owed: {words(known.owed)}", f"Debt in all: {debt}"]),
        Section("Claims", [line(each) for each in known.claims]),
    ]


def line(claim: Claim) -> str:
    """One claim on a line."""
    bill, late = claim.invoice, "no due date" if claim.days_overdue is None else f"{claim.days_overdue} days overdue"
    return f"- {bill.number}: {bill.amount:,} {bill.currency}, {late} {bill.link or ''}".rstrip()


def count(known: Collection) -> list[Measure]:
    """What reports add up: the open invoices, and the customers' claims by how late they are."""
    return [
        *measure(each.invoice for each in known.claims),
        *(
            Measure(name="Claims", group=age(each), amount=each.invoice.amount, currency=each.invoice.currency[:20])
            for each in known.claims
        ),
    ]


def age(claim: Claim) -> str:
    """How late a claim is, as collectors tell them apart."""
    days = claim.days_overdue
    if not days:
        return "no due date" if days is None else "not due yet"
    return next(
        (f"{low} to {high} days" for low, high in ((1, 30), (31, 60), (61, 90)) if days <= high), "over 90 days"
    )


process = Process(
    name="collection",
    title="Collection from one customer",
    client=TelefonicaClient,
    input=Customer,
    output=Collection,
    body=collect,
    summary=summarise,
    measures=count,
)
