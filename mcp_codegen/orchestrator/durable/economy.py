"""What a program that works on runs does to take less processor time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp_codegen.orchestrator.durable import collecting, processors


@asynccontextmanager
async def kept() -> AsyncIterator[None]:
    """Threads on one processor that push nobody aside, and seldom a look for garbage, until the block ends.

    Raises UserError for a setting that there is not; see `processors`.
    """
    with processors.unhurried(), collecting.seldom():
        async with processors.one():
            yield
