"""What `Run` promises to process code, as a unit test of a process sees it: no engine, no server, no database."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel, Field, field_serializer

from mcp_codegen.orchestrator import MisuseError, ProcessError, Run, StepError
from mcp_codegen.orchestrator.process import Storable
from mcp_codegen.orchestrator.values import dump, restore
from tests.orchestrator.processes.parcels import Delivery, Order, Parcel, Parcels, deliver

T = TypeVar("T", bound=Storable)

pytestmark = pytest.mark.anyio


class Wire(BaseModel):
    python_name: int = Field(validation_alias="wireName", serialization_alias="wireName")


class Unreadable(BaseModel):
    amount: int

    @field_serializer("amount")
    def _as_text(self, amount: int) -> str:
        return f"${amount}"


class Tags(BaseModel):
    tags: list[str]


@dataclass
class Plain:
    amount: int


def returning(value: T) -> Callable[[], Awaitable[T]]:
    async def call() -> T:
        return value

    return call


async def raising(_: int) -> int:
    raise ProcessError("no", code="refused", hint="ask again")


async def test_a_process_is_tested_with_a_run_and_a_fake_client() -> None:
    run = Run[Delivery]()
    order = Order(number=7, place="home", then="missing")
    assert await deliver(run, Parcels("shelf"), order) == Delivery(parcel=Parcel(number=7, place="shelf"))
    assert [(step.step, step.key, step.status) for step in run.steps] == [
        (1, "parcel", "success"),
        (2, "again", "error"),
        (3, "return", "skipped"),
    ]


async def test_a_step_that_fails_raises_unless_the_process_goes_on() -> None:
    run = Run[Delivery]()
    assert await run.step("first", "First", lambda: raising(1), on_error="continue") is None
    with pytest.raises(StepError, match="step 'second' failed: no") as failed:
        await run.step("second", "Second", lambda: raising(1))
    assert failed.value.record is run.steps[1]
    assert [step.error.code for step in run.steps if step.error] == ["refused", "refused"]


@pytest.mark.parametrize("code", ["a b", "x\ny", "<b>", "caf\u00e9", "x" * 61, ""])
async def test_a_code_of_an_error_that_is_no_word_is_none(code: str) -> None:
    async def broken() -> None:
        raise ProcessError("no", code=code)

    run = Run[Delivery]()
    await run.step("first", "First", broken, on_error="continue")
    assert [step.error.code for step in run.steps if step.error] == ["failed"]


async def test_steps_are_told_as_they_start_and_as_they_end() -> None:
    told: list[tuple[str, str]] = []
    run = Run[Delivery](watch=lambda step: told.append((step.key, step.status)))
    await run.step("one", "One", returning(1))
    run.skip("two", "Two", "no need")
    assert told == [("one", "running"), ("one", "success"), ("two", "running"), ("two", "skipped")]


async def test_a_step_gives_back_what_a_replay_would_give() -> None:
    run, value = Run[Delivery](), Tags(tags=["a"])
    nothing: int | None = None
    first = await run.step("model", "Model", returning(value))
    assert first == value
    assert first is not value
    first.tags.append("b")
    assert run.steps[0].data == {"tags": ["a"]}
    assert (await run.step("alias", "Alias", returning(Wire.model_validate({"wireName": 3})))).python_name == 3
    assert run.steps[1].data == {"wireName": 3}
    assert await run.step("json", "JSON", returning({"a": [1, None, 2.5, True]})) == {"a": [1, None, 2.5, True]}
    assert await run.step("none", "None", returning(nothing)) is None


class Outer:
    class Inner(BaseModel):
        x: int


async def test_a_value_that_could_not_be_brought_back_is_a_mistake_whatever_the_policy() -> None:
    class Local(BaseModel):
        x: int = 1

    values: list[Any] = [Plain(1), Local(), Unreadable(amount=3), [Tags(tags=[])], {1: 2}, b"x", math.nan, {"a": (1,)}]
    for number, value in enumerate(values):
        run = Run[Delivery]()
        with pytest.raises(MisuseError, match=f"^step 'step_{number}': "):
            await run.step(f"step_{number}", "Step", returning(value), on_error="continue")
        assert run.steps[0].error is not None
        assert run.steps[0].error.code == "misuse"
    assert restore(dump(Outer.Inner(x=1))) == Outer.Inner(x=1)


async def test_a_stored_value_whose_class_changed_says_so() -> None:
    stored = dump(Tags(tags=["a"]))
    with pytest.raises(MisuseError, match="cannot be read back: tags"):
        restore(stored.model_copy(update={"data": {}}))
    with pytest.raises(MisuseError, match="the class of a stored value is gone"):
        restore(stored.model_copy(update={"model": f"{__name__}:Gone"}))
    with pytest.raises(MisuseError, match="is no Pydantic model"):
        restore(stored.model_copy(update={"model": "os:system"}))


async def test_two_steps_of_one_key_are_a_mistake() -> None:
    run = Run[Delivery]()
    await run.step("same", "First", returning(1))
    with pytest.raises(MisuseError, match="two steps have the key 'same'; give each step of a run a key of its own"):
        await run.step("same", "Second", returning(2))


@pytest.mark.parametrize("key", ["", "Two Words", "x" * 65, "1st", "a\n"])
async def test_a_key_that_programs_cannot_use_is_a_mistake(key: str) -> None:
    with pytest.raises(MisuseError, match="cannot be a step's key"):
        await Run[Delivery]().step(key, "Title", returning(1))


async def test_a_call_that_is_not_a_function_or_an_unknown_policy_is_a_mistake() -> None:
    call: Any = returning(1)()
    with pytest.raises(MisuseError, match="give a function to call, such as `lambda: "):
        await Run[Delivery]().step("key", "Title", call)
    call.close()
    policy: Any = "ignore"
    with pytest.raises(MisuseError, match="on_error 'fail' or 'continue'"):
        await Run[Delivery]().step("key", "Title", returning(1), on_error=policy)


async def test_steps_run_at_the_same_time() -> None:
    run, meeting = Run[Delivery](), asyncio.Barrier(3)

    async def meet() -> int:
        return await meeting.wait()

    met = await asyncio.wait_for(asyncio.gather(*(run.step(f"s{n}", "Meet", meet) for n in range(3))), 60)
    assert sorted(met) == [0, 1, 2]
    assert [step.key for step in run.steps] == ["s0", "s1", "s2"]


async def test_what_is_published_must_be_storable() -> None:
    class Local(Delivery):
        pass

    with pytest.raises(MisuseError, match="define its class at the top of a module"):
        Run[Delivery]().publish(Local())
