"""A process with personal data in it; its input says how its one call goes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from mcp_codegen.orchestrator import Personal, Process, Run
from tests.orchestrator.processes.parcels import Parcel, Parcels


class Favour(BaseModel):
    number: int = Field(ge=1, le=999_999)
    phone: Personal[str] = Field(pattern=r"^\+?[0-9]{6,15}$")
    how: str = "well"


class Done(BaseModel):
    parcel: Parcel | None = None
    told: Personal[str] = ""


async def do_favour(run: Run[Done], parcels: Parcels, favour: Favour) -> Done:
    """Fetch one parcel, and say to whom that was told."""
    parcel = await run.step("fetch", "Fetch", lambda: parcels.find(favour.number, favour.how))
    return Done(parcel=parcel, told=favour.phone)


process: Process[Any, Favour, Done] = Process(
    name="favours", title="Do a favour", client=Parcels, input=Favour, output=Done, body=do_favour
)
