"""Where a run waits for its turn: a queue for each process, and how soon the turn comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcp_codegen.orchestrator.durable import definition
from mcp_codegen.orchestrator.process import Process

Priority = Literal["high", "normal", "low"]

TURNS: Mapping[Priority, int] = {"high": 1, "normal": 10, "low": 100}
"""The engine starts the runs with the lowest number first; of one number, the oldest."""

_MOCK = "-mock"


def name(process: str, *, mock: bool) -> str:
    """The queue of a process. Runs against a stand-in wait in another: nobody may run them against the real APIs."""
    return process + (_MOCK if mock else "")


def version(process: Process[Any, Any, Any], *, mock: bool) -> str:
    """The version of a process as its queue's workers tell it; a version belongs to one queue."""
    return definition.version(process) + (_MOCK if mock else "")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    count: int
    seconds: float
