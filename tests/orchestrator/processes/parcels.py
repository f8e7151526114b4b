"""A process over a client without a server, whose input says how each step goes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from pydantic import BaseModel, Field, SecretStr

from mcp_codegen.orchestrator import Process, ProcessError, Run, Section


class ParcelError(Exception):
    """Looks like the errors of generated clients, and is none of this project's."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = "not_found"
        self.message = message
        self.hint = "check the parcel's number"
        self.status = status
        self.retryable = False
        self.retry_after: float | None = None


class Parcel(BaseModel):
    number: int
    place: str


class Parcels:
    def __init__(self, place: str) -> None:
        self.place = place

    @classmethod
    @asynccontextmanager
    async def connect(cls, server: str, *, token: str = "") -> AsyncIterator[Self]:
        if server.endswith("/down"):
            raise ExceptionGroup("unhandled errors", [OSError("refused, key=s3cret")])
        if server.endswith("/forbidden"):
            raise ParcelError("the key was refused", status=401)
        yield cls(f"{server}, with a token of {len(token)} characters" if token else server)

    @classmethod
    @asynccontextmanager
    async def launch(cls, environ: Mapping[str, str] | None = None) -> AsyncIterator[Self]:
        yield cls("a child" if environ is None else _base_url(environ))

    @classmethod
    @asynccontextmanager
    async def in_process(cls, environ: Mapping[str, str] | None = None) -> AsyncIterator[Self]:
        yield cls("here" if environ is None else _base_url(environ))

    async def find(self, number: int, how: str) -> Parcel:
        await asyncio.sleep(0)
        match how:
            case "missing":
                raise ParcelError("there is no\x1b[31m parcel\u202e here", status=404)
            case "broken":
                raise ValueError("key=s3cret")
            case "stuck":
                print(f"stuck with {self.place}", file=sys.stderr, flush=True)
                await asyncio.Event().wait()
            case "given up":
                raise ProcessError("no parcel today", code="closed", hint="come back tomorrow")
        return Parcel(number=number, place=self.place)


class Order(BaseModel):
    number: int = Field(ge=1, le=999, description="The parcel's number.", examples=[42])
    place: str = Field(pattern="^[a-z]+$", description="Where it should be.")
    how: str = "well"
    then: str = "well"
    tags: list[str] = []
    password: SecretStr | None = Field(default=None, min_length=4)


class Delivery(BaseModel):
    parcel: Parcel | None = None


async def deliver(run: Run[Delivery], parcels: Parcels, order: Order) -> Delivery:
    """Find a parcel, find it again whatever happens, and skip the rest."""
    run.publish(Delivery())
    parcel = await run.step("parcel", "Find Parcel", lambda: parcels.find(order.number, order.how))
    await run.step("again", "Find Again", lambda: parcels.find(order.number, order.then), on_error="continue")
    run.skip("return", "Return Parcel", "it is where it should be")
    return Delivery(parcel=parcel)


def summary(delivery: Delivery) -> list[Section]:
    if delivery.parcel is None:
        return []
    return [Section("Parcel", [f"Number: {delivery.parcel.number}", f"Place: {delivery.parcel.place}"])]


process: Process[Any, Order, Delivery] = Process(
    name="parcels",
    title="Deliver a parcel",
    client=Parcels,
    input=Order,
    output=Delivery,
    body=deliver,
    summary=summary,
)


def _base_url(environ: Mapping[str, str]) -> str:
    return next(value for name, value in environ.items() if name.endswith("BASE_URL"))
