"""Personal data is marked once, and masked wherever a run is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import MISSING, AliasChoices, BaseModel, Field, RootModel, computed_field
from typing_extensions import TypedDict

from mcp_codegen.orchestrator import Personal, Process, ProcessError, Run, engine, masking, store
from mcp_codegen.orchestrator.record import RunRecord
from tests.orchestrator.processes.parcels import Parcels

pytestmark = pytest.mark.anyio


class Phone(RootModel[Personal[str]]):
    pass


class Street(TypedDict):
    street: Personal[str]
    country: str


@dataclass
class Family:
    mother: Personal[str]


class Person(BaseModel):
    number: int
    rut: Personal[str]
    generated: Annotated[str | MISSING | None, Field(repr=False)] = MISSING
    renamed: Personal[str] = Field(default="", serialization_alias="full-name", description="A name.")
    taken: Personal[str] = Field(default="", validation_alias=AliasChoices("takenAs", "taken_as"))
    maybe: Personal[str] | None = None
    several: list[Personal[str]] = []
    phone: Phone | None = None
    street: Street | None = None
    family: dict[str, Family] = {}
    others: list[Person] = []

    @computed_field(repr=False)
    def initials(self) -> str:
        return self.rut[:1]


class Given(BaseModel):
    person: Person


class Found(BaseModel):
    note: str
    rut: str = ""


async def body(run: Run[Found], client: Any, given: Given) -> Found:
    async def fail() -> str:
        raise ProcessError("no 11.111-K here", hint="is 11.111-k right?", code="gone")

    run.publish(Found(note="started for 11.111-K", rut="22"))
    await run.step("echo", "Echo 11.111-K", lambda: _value({"RUT": "11.111-K", "rut": 5, "11.111-K": 1, "***": [None]}))
    await run.step("fail", "Fail", fail)
    return Found(note="")


async def _value(data: dict[str, Any]) -> dict[str, Any]:
    return data


process: Process[Any, Given, Found] = Process(
    name="people", title="People", client=Parcels, input=Given, output=Found, body=body
)


def test_marks_are_found_wherever_a_member_may_stand() -> None:
    assert masking.names(Given) == {
        *("rut", "generated", "renamed", "full-name", "taken", "takenAs", "taken_as", "maybe", "several", "phone"),
        *("street", "mother", "initials"),
    }
    assert masking.names(Found) == frozenset()


async def test_a_run_is_shown_without_personal_values_even_where_an_error_or_another_answer_repeats_them() -> None:
    given = Given(person=Person(number=1, rut="11.111-K"))
    record = await engine.conduct(process, Parcels("here"), given, Run("r"))
    assert "11.111-K" in store.to_text(record), "what is kept is whole"
    shown = masking.masked(record)
    assert "11.111" not in shown.model_dump_json()
    hidden = dict.fromkeys(("rut", "renamed", "taken", "several", "initials", "full-name"), "***")
    person = record.input["person"]
    assert isinstance(person, dict)
    assert shown.input == {"person": person | {name: word for name, word in hidden.items() if name in person}}
    assert shown.output == {"note": "started for ***", "rut": "***"}
    assert shown.steps[0].data == {"RUT": "***", "rut": "***", "***": 1, "*** (2)": [None]}
    assert shown.error is not None
    assert (shown.error.message, shown.error.hint) == ("no *** here", "is *** right?")
    assert masking.masked_steps(record.steps, record.input, record.personal) == list(shown.steps)
    assert masking.masked_steps(record.steps, record.input, ()) == list(record.steps)
    assert RunRecord.model_validate(record.model_dump(mode="json")) == record
    assert "personal" not in store.to_text(record)


def test_a_flood_of_personal_values_masks_texts_whole_and_short_ones_mask_no_others() -> None:
    flood = {"rut": [f"person {number}" for number in range(masking.LOOKED_FOR + 1)], "text": "of nobody", "no": 7}
    assert masking.masked_data(flood, ["rut"]) == {"rut": "***", "***": "***", "no": 7}
    assert masking.masked_data({"rut": "77", "amount": 1277, "rest": None}, {"rut"}) == {
        **{"rut": "***", "amount": 1277, "rest": None}
    }
    assert masking.masked_data({"rut": 7755, "amount": 127755}, {"rut"}) == {"rut": "***", "amount": "***"}
