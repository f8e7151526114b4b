"""A process of three steps, each of which is one request that carries the step's idempotency key."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

import httpx
from pydantic import BaseModel

from mcp_codegen.orchestrator import Process, Run

STEPS = ("fetch", "carry", "deliver")


class Errands:
    """A client of the tests' counter; no server is between them."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @classmethod
    @asynccontextmanager
    async def connect(cls, server: str, *, token: str = "") -> AsyncIterator[Self]:
        async with httpx.AsyncClient(base_url=server, timeout=60, headers={"X-Token": token}) as http:
            yield cls(http)

    @classmethod
    def launch(cls, environ: Mapping[str, str] | None = None):
        return cls.connect((os.environ if environ is None else environ)["ERRANDS_URL"])

    in_process = launch

    async def do(self, number: int, step: str, key: str) -> int:
        answer = await self._http.post(f"/{number}/{step}", headers={"Idempotency-Key": key})
        answer.raise_for_status()
        return number


class Errand(BaseModel):
    number: int
    poisonous: bool = False


class Done(BaseModel):
    number: int = 0


async def run_errand(run: Run[Done], errands: Errands, errand: Errand) -> Done:
    for step in STEPS:
        if errand.poisonous and step == "carry":
            os._exit(9)
        await run.step(step, step.title(), lambda step=step: errands.do(errand.number, step, run.key(step)))
    return Done(number=errand.number)


process = Process(name="errands", title="Errands", client=Errands, input=Errand, output=Done, body=run_errand)
