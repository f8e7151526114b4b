"""A process of four steps: some letters need several attempts, some are refused until a file called `open` is there.

Its texts are what a hostile API may send.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field

from mcp_codegen.orchestrator import Personal, Process, ProcessError, Retry, Run

SCRIPT = "<script>alert('letters')</script>"
LINK = "javascript:alert(1)"
SOON = Retry(attempts=4, first_wait=0.2, longest_wait=0.4)


def is_open() -> bool:
    """Whether the file is in the folder that the worker runs in."""
    return Path("open").exists()


class BusyError(Exception):
    """Looks like the errors of generated clients that may pass."""

    code = "unavailable"
    hint = "it is tried again"
    status = 503
    retryable = True
    retry_after: float | None = None
    message = f"the office is busy {SCRIPT}"


class Office:
    @classmethod
    @asynccontextmanager
    async def connect(cls, server: str, *, token: str = "") -> AsyncIterator[Self]:
        yield cls()

    @classmethod
    @asynccontextmanager
    async def launch(cls, environ: Mapping[str, str] | None = None) -> AsyncIterator[Self]:
        yield cls()

    in_process = launch

    async def sort(self) -> dict[str, str]:
        await asyncio.sleep(0.05)
        return {"tray": SCRIPT, "link": LINK}

    async def stamp(self, attempts: list[int], how: str) -> dict[str, int]:
        await asyncio.sleep(0.08)
        attempts.append(1)
        if how == "busy" and len(attempts) < 3:
            raise BusyError
        return {"stamps": len(attempts)}

    async def deliver(self, how: str) -> dict[str, str]:
        await asyncio.sleep(0.12)
        if how == "closed" and not is_open():
            raise ProcessError(
                f"the letter box is closed {SCRIPT}", code="closed", hint="wait until it is open, then retry"
            )
        return {"at": "the door"}


class Letter(BaseModel):
    number: int = Field(ge=1, description="The letter's number.", examples=[7])
    to: Personal[str] = Field(description="Whom it is for.", examples=["Ana Pérez"])
    how: str = "well"


class Delivered(BaseModel):
    at: str = ""
    to: Personal[str] = ""


async def deliver(run: Run[Delivered], office: Office, letter: Letter) -> Delivered:
    """Sort, stamp and deliver one letter, and say so to whom it is for."""
    attempts: list[int] = []
    await run.step("sort", "Sort", office.sort)
    await run.step("stamp", "Stamp", lambda: office.stamp(attempts, letter.how), retry=SOON)
    done = await run.step("deliver", "Deliver", lambda: office.deliver(letter.how))
    run.skip("receipt", "Ask for a receipt", "nobody wanted one")
    return Delivered(at=done["at"], to=letter.to)


process: Process[Any, Letter, Delivered] = Process(
    name="letters", title="Deliver a letter", client=Office, input=Letter, output=Delivered, body=deliver
)
