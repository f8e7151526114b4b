"""What a strict type checker makes of processes; it checks this file, and so does the interpreter."""

from __future__ import annotations

from typing import assert_type

import pytest
from pydantic import BaseModel

from mcp_codegen.orchestrator import Process, Run
from mcp_codegen.orchestrator.process import OnError
from tests.orchestrator.processes.parcels import Delivery, Order, Parcel, Parcels, deliver, summary

pytestmark = pytest.mark.anyio


class Closed(BaseModel):
    reason: str


async def test_the_value_of_a_step_has_the_type_of_its_call() -> None:
    run, parcels = Run[Delivery](), Parcels("shelf")

    async def perhaps() -> Parcel | Closed:
        return Closed(reason="late")

    async def size() -> int:
        return 3

    assert_type(await run.step("a", "A", lambda: parcels.find(1, "well")), Parcel)
    assert_type(await run.step("b", "B", lambda: parcels.find(1, "well"), on_error="fail"), Parcel)
    assert_type(await run.step("c", "C", lambda: parcels.find(1, "well"), on_error="continue"), Parcel | None)
    assert_type(await run.step("d", "D", perhaps), Parcel | Closed)
    assert_type(await run.step("e", "E", size), int)
    policy: OnError = "continue"
    assert_type(await run.step("f", "F", perhaps, on_error=policy), Parcel | Closed | None)


async def test_what_cannot_be_stored_or_published_is_refused_by_the_type_checker() -> None:
    run = Run[Delivery]()

    async def raw() -> bytes:
        return b""

    with pytest.raises(Exception, match="cannot be stored"):
        await run.step("raw", "Raw", raw)  # type: ignore[type-var]
    run.publish(Closed(reason="other"))  # type: ignore[arg-type]


def test_a_process_holds_its_client_input_output_and_body_together() -> None:
    fitting = Process(name="fits", title="Fits", client=Parcels, input=Order, output=Delivery, body=deliver)
    assert_type(fitting, Process[Parcels, Order, Delivery])
    Process(name="other", title="Other", client=Parcels, input=Closed, output=Delivery, body=deliver)  # type: ignore[arg-type]
    Process(
        name="third",
        title="Third",
        client=Parcels,
        input=Order,
        output=Delivery,
        body=deliver,
        summary=summary,
    )
