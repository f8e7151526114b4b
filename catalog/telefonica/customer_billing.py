"""The billing of one customer: the invoices, the download link of the first open one, and the debt."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, Field

from mcp_codegen.orchestrator import Measure, Process, Run, Section
from telefonica_mcp.client import TelefonicaClient
from telefonica_mcp.models.telefonica import Invoice, ListadoDeBoletasFijaResult, RetrieveInvoiceLinkResult

OPEN, PAID = "O", "P"
STATUS_WORDS = {OPEN: "OPEN", PAID: "PAID"}
CURRENCY = "CLP"
"""The catalog gives amounts in pesos, also where an invoice does not say so."""


class Customer(BaseModel):
    """Whose billing it is."""

    customer_id: int = Field(ge=1, description="The customer's account.", examples=[45829374])
    msisidn: str = Field(
        pattern=r"^\d{8,15}$", description="The phone number, with its country code.", examples=["56987654321"]
    )


class CustomerData(BaseModel):
    """Who the customer is; name and RUT come with the invoices."""

    account_id: int
    phone: str
    name: str | None = None
    rut: str | None = None


class InvoiceLine(BaseModel):
    """One invoice as the summary tells it."""

    number: str
    amount: int
    currency: str
    status: str


class InvoiceSummary(BaseModel):
    """The customer's invoices, in the order of the listing."""

    total: int
    open: int
    paid: int
    invoices: list[InvoiceLine]


class CustomerBilling(BaseModel):
    """What is known of the customer so far."""

    customer_data: CustomerData
    invoice_summary: InvoiceSummary | None = None


class NothingToPay(BaseModel):
    """Stands in the link's place when no invoice is open."""

    message: str


async def bill_customer(run: Run[CustomerBilling], telefonica: TelefonicaClient, customer: Customer) -> CustomerBilling:
    """Three steps: list the invoices, get the link of the first open one, get the debt.

    The debt may be unavailable: that is recorded, and the process goes on.
    """
    run.publish(billing(customer))
    listing = await run.step(
        "invoices",
        "Get Customer Invoices",
        lambda: telefonica.listado_de_boletas_fija(customer_id=customer.customer_id, msisidn=customer.msisidn),
    )
    known = billing(customer, listing)
    run.publish(known)

    await run.step(
        "invoice_link", "Get Unpaid Invoice Link", lambda: unpaid_link(telefonica, listing.impl_invoice_lists)
    )
    rut = listing.customer_rut
    await run.step(
        "payment_details",
        "Get Payment Details",
        lambda: telefonica.deuda_fija(customer_identification=rut, type="RUT", document=rut),
        on_error="continue",
    )
    return known


async def unpaid_link(
    telefonica: TelefonicaClient, invoices: list[Invoice]
) -> RetrieveInvoiceLinkResult | NothingToPay:
    """The download link of the first open invoice."""
    invoice = next((each for each in invoices if each.invoice_status_ind == OPEN), None)
    if invoice is None:
        return NothingToPay(message="There is no open invoice.")
    return await telefonica.retrieve_invoice_link(
        billing_invoice_number=invoice.billing_invoice_number, is_cyclic_invoice=is_cyclic(invoice)
    )


def is_cyclic(invoice: Invoice) -> bool:
    """Whether it is issued every month; one without a document type is taken as not."""
    words = text(invoice.document_type).upper().replace("Í", "I").split()
    return "CICLICA" in words and "NO" not in words


def billing(customer: Customer, listing: ListadoDeBoletasFijaResult | None = None) -> CustomerBilling:
    """What the listing, once it is there, tells of the customer."""
    data = CustomerData(account_id=customer.customer_id, phone=customer.msisidn)
    if listing is None:
        return CustomerBilling(customer_data=data)
    statuses = [invoice.invoice_status_ind for invoice in listing.impl_invoice_lists]
    return CustomerBilling(
        customer_data=data.model_copy(update={"name": listing.customer_name, "rut": listing.customer_rut}),
        invoice_summary=InvoiceSummary(
            total=len(statuses),
            open=statuses.count(OPEN),
            paid=statuses.count(PAID),
            invoices=[line(invoice) for invoice in listing.impl_invoice_lists],
        ),
    )


def line(invoice: Invoice) -> InvoiceLine:
    """The invoice as the summary tells it; a status that is not known is shown as it came."""
    status = invoice.invoice_status_ind
    return InvoiceLine(
        number=invoice.billing_invoice_number,
        amount=invoice.invoice_amount,
        currency=text(invoice.currency),
        status=STATUS_WORDS.get(status, status),
    )


def text(value: object) -> str:
    """An optional text; empty where it is absent or null."""
    return value if isinstance(value, str) else ""


def render_summary(known: CustomerBilling) -> list[Section]:
    """What the summary says of the customer and the invoices."""
    customer, invoices = known.customer_data, known.invoice_summary
    facts = {"Name": customer.name, "RUT": customer.rut, "Account ID": customer.account_id, "Phone": customer.phone}
    sections = [
        Section("Customer Information", [f"{name}: {value}" for name, value in facts.items() if value is not None])
    ]
    if invoices is not None:
        lines = [
            f"  - {each.number}: {f'${each.amount} {each.currency}'.strip()} ({each.status})"
            for each in invoices.invoices
        ]
        nothing = [] if invoices.open else ["Open invoices: none"]
        sections.append(Section("Invoice Summary", [f"Total invoices: {invoices.total}", *lines, *nothing]))
    return sections


def count(known: CustomerBilling) -> list[Measure]:
    """What reports add up: each invoice's amount, by its status."""
    invoices = known.invoice_summary.invoices if known.invoice_summary else []
    return [
        Measure(name="Invoices", group=each.status, amount=Decimal(each.amount), currency=each.currency or CURRENCY)
        for each in invoices
    ]


process = Process(
    name="customer_billing",
    title="Billing of one customer",
    client=TelefonicaClient,
    input=Customer,
    output=CustomerBilling,
    body=bill_customer,
    summary=render_summary,
    measures=count,
)
