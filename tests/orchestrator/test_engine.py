"""What the local engine promises: how runs start, end, fail and stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from mcp_codegen.orchestrator import MisuseError, Process, Run
from mcp_codegen.orchestrator.engine import LocalEngine
from mcp_codegen.orchestrator.record import RunRecord
from mcp_codegen.orchestrator.summary import render
from tests.orchestrator.processes.parcels import Delivery, Order, Parcels, process

pytestmark = pytest.mark.anyio

ORDER = Order(number=1, place="home")
Body = Callable[[Run[Delivery], Any, Order], Awaitable[Delivery]]


async def execute(body: Body, *, cancel_when: asyncio.Event | None = None) -> RunRecord:
    engine = LocalEngine()
    run_id = await engine.start(replace(process, body=body), Parcels("shelf"), ORDER)
    if cancel_when is not None:
        await asyncio.wait_for(cancel_when.wait(), 60)
        await engine.cancel(run_id)
    return await asyncio.wait_for(engine.wait(run_id), 60)


async def test_a_run_that_was_started_is_not_started_again() -> None:
    starts: list[str] = []

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        starts.append(run.id)
        return Delivery()

    engine, counted = LocalEngine(), replace(process, body=body)
    for _ in range(2):
        assert await engine.start(counted, Parcels("shelf"), ORDER, run_id="batch:1") == "batch:1"
    first, second = await asyncio.gather(engine.wait("batch:1"), engine.wait("batch:1"))
    assert first is second
    assert (first.run_id, first.status, starts) == ("batch:1", "succeeded", ["batch:1"])


async def test_a_wait_that_is_given_up_leaves_the_run_alone() -> None:
    going = asyncio.Event()

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        await going.wait()
        return Delivery()

    engine = LocalEngine()
    run_id = await engine.start(replace(process, body=body), Parcels("shelf"), ORDER)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(engine.wait(run_id), 0.001)
    going.set()
    assert (await engine.wait(run_id)).status == "succeeded"


async def test_a_cancelled_run_cancels_its_steps_in_flight_and_keeps_what_was_known() -> None:
    stuck = asyncio.Event()

    async def wait_for_ever() -> None:
        stuck.set()
        await asyncio.Event().wait()

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        run.publish(Delivery(parcel=await client.find(9, "well")))
        await asyncio.gather(run.step("a", "A", wait_for_ever), run.step("b", "B", wait_for_ever))
        return Delivery()

    record = await execute(body, cancel_when=stuck)
    assert record.status == "cancelled"
    assert record.output == {"parcel": {"number": 9, "place": "shelf"}}
    assert [(step.key, step.status, step.error and step.error.code) for step in record.steps] == [
        ("a", "error", "cancelled"),
        ("b", "error", "cancelled"),
    ]


async def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        raise asyncio.CancelledError

    record = await execute(body)
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "unexpected"


@pytest.mark.parametrize("together", ["gather", "task group"])
async def test_when_one_of_several_steps_fails_the_run_the_others_are_stopped(together: str) -> None:
    stopped: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append("slow")
            raise

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        steps = [run.step("slow", "Slow", slow), run.step("bad", "Bad", lambda: client.find(1, "missing"))]
        if together == "gather":
            await asyncio.gather(*steps)
        else:
            async with asyncio.TaskGroup() as group:
                for step in steps:
                    group.create_task(step)
        return Delivery()

    record = await execute(body)
    assert (record.status, record.failed_step, stopped) == ("failed", 2, ["slow"])
    assert record.error is not None
    assert (record.error.code, record.error.status) == ("not_found", 404)
    assert [(step.key, step.error and step.error.code) for step in record.steps] == [
        ("slow", "cancelled"),
        ("bad", "not_found"),
    ]


async def test_a_process_that_does_not_await_its_steps_fails() -> None:
    tasks: list[asyncio.Task[None]] = []

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        async def for_ever() -> None:
            await asyncio.Event().wait()

        tasks.append(asyncio.create_task(run.step("lost", "Lost", for_ever)))
        await asyncio.sleep(0)
        return Delivery()

    record = await execute(body)
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.message == "the process ended before these steps did: lost; await every step"
    assert tasks[0].cancelled()


async def test_no_step_starts_after_the_end() -> None:
    kept: list[Run[Delivery]] = []

    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        kept.append(run)
        return Delivery()

    await execute(body)
    with pytest.raises(MisuseError, match="after the process had ended"):
        await kept[0].step("late", "Late", lambda: Parcels("shelf").find(1, "well"))


async def test_a_process_that_returns_something_else_fails() -> None:
    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Any:
        return None

    record = await execute(body)
    assert record.error is not None
    assert record.error.message == "process 'parcels' must return a Delivery, not NoneType"


@pytest.mark.parametrize("error", [KeyError("s3cret"), SystemExit("s3cret"), RecursionError("s3cret")])
async def test_a_process_that_raises_fails_without_telling_secrets(error: BaseException) -> None:
    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        raise error

    record = await execute(body)
    assert record.status == "failed"
    assert record.error is not None
    assert record.error.code == "unexpected"
    assert record.error.message.startswith(f"{type(error).__name__} at test_engine.py:")
    assert "s3cret" not in record.model_dump_json()


async def test_a_record_goes_through_json_and_back() -> None:
    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        return Delivery(parcel=await run.step("find", "Find", lambda: client.find(1, "well")))

    record = await execute(body)
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_a_process_is_a_value() -> None:
    assert isinstance(process, Process)
    assert replace(process, title="Another").name == process.name


async def test_a_process_without_a_summary_of_its_own_shows_its_output() -> None:
    async def body(run: Run[Delivery], client: Parcels, order: Order) -> Delivery:
        return Delivery(parcel=await client.find(9, "well"))

    record = await execute(body)
    plain: Process[Any, Order, Delivery] = Process(
        name="plain", title="Plain", client=Parcels, input=Order, output=Delivery, body=body
    )
    assert "\nOutput:\n  parcel: {'number': 9, 'place': 'shelf'}\n" in render(plain, record, "")
