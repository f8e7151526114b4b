"""How the stand-in misbehaves when it is asked to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.standin.draw import Draw
from mcp_codegen.validation import nearest

FORM = "API=STATUS or API=STATUS:RATE, such as deuda_fija=503:0.2"
FIRST_STATUS, LAST_STATUS = 400, 599
PARTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """An API answers a status instead of its answer; `rate` is the share of its calls, from 0 to 1."""

    api: str
    status: int
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Seconds before each answer, the faults, and the seed of all that looks random."""

    latency: float = 0.0
    faults: tuple[Fault, ...] = ()
    seed: int = 0


def parse_fault(text: str, apis: Collection[str]) -> Fault:
    """The fault that `API=STATUS:RATE` asks for. Raises `SettingsError`."""
    api, equals, rest = text.rpartition("=")
    if not equals:
        raise SettingsError(f"{shown(text)} is not a fault; write {FORM}")
    if api not in apis:
        raise SettingsError(f"{shown(text)}: there is no active API {shown(api)}; {nearest(api, apis)}")
    status, colon, rate = rest.partition(":")
    if not (status.isascii() and status.isdigit() and FIRST_STATUS <= int(status[:9]) <= LAST_STATUS):
        raise SettingsError(
            f"{shown(text)}: {shown(status)} is not a status from {FIRST_STATUS} to {LAST_STATUS}; write {FORM}"
        )
    return Fault(api, int(status), _rate(text, rate) if colon else 1.0)


def _rate(text: str, rate: str) -> float:
    try:
        value = float(rate)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise SettingsError(f"{shown(text)}: {shown(rate)} is not a rate from 0 to 1; write {FORM}")
    return value


class Faults:
    """Which calls fail: decided by the seed and by how many calls of that API came before, so a retry may succeed."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._draw = Draw(f"faults {behaviour.seed}".encode())
        self._calls: Counter[str] = Counter()
        self._faults: dict[str, list[Fault]] = {}
        for fault in behaviour.faults:
            self._faults.setdefault(fault.api, []).append(fault)

    def of_next_call(self, api: str) -> Fault | None:
        """The fault that the API's next call meets. Rates of several faults of one API add up."""
        faults = self._faults.get(api)
        if not faults:
            return None
        self._calls[api] += 1
        rolled, reached = self._draw.at(api).at(self._calls[api]).below(PARTS), 0.0
        for fault in faults:
            reached += fault.rate * PARTS
            if rolled < reached:
                return fault
        return None
