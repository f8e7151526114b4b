"""A process whose output counts: an amount of money under a label, which may be hostile."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from mcp_codegen.orchestrator import Measure, Process, ProcessError, Run
from tests.orchestrator.processes.parcels import Parcels


class Sale(BaseModel):
    amount: Decimal
    currency: str
    label: str
    refused: bool = False


class Receipt(BaseModel):
    sale: Sale


async def sell(run: Run[Receipt], _client: Parcels, sale: Sale) -> Receipt:
    """Publish the sale, then pay."""

    async def pay() -> str:
        if sale.refused:
            raise ProcessError(f"refused {sale.label}", code="refused", hint=f"pay {sale.label} in cash")
        return "paid"

    receipt = Receipt(sale=sale)
    run.publish(receipt)
    await run.step("pay_1", "Pay", pay)
    return receipt


def count(receipt: Receipt) -> list[Measure]:
    sale = receipt.sale
    if sale.label == "uncountable":
        raise ValueError(sale.label)
    return [Measure(name="Sales", group=sale.label, amount=sale.amount, currency=sale.currency)]


process: Process[Any, Sale, Receipt] = Process(
    name="till", title="Sell </title><b>bold", client=Parcels, input=Sale, output=Receipt, body=sell, measures=count
)
