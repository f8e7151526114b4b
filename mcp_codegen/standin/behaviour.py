"""How the stand-in misbehaves when it is asked to."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, get_args

from mcp_codegen.errors import SettingsError, shown
from mcp_codegen.standin.draw import Draw
from mcp_codegen.validation import nearest

FORM = "API=STATUS or API=STATUS:RATE, such as deuda_fija=503:0.2"
FIRST_STATUS, LAST_STATUS = 400, 599
PARTS = 1_000_000
EVERY_API = "*"

Mischief = Literal[
    "slow", "drip", "reset", "truncated", "invalid-json", "deep-json", "wrong-type", "drift",
    "waf", "redirect", "bomb", "endless", "echo",
]  # fmt: skip
MISCHIEFS: Final[tuple[str, ...]] = get_args(Mischief)
"""What can go wrong beside an answered status; `mischief` does it."""

_WINDOW: Final = re.compile(r"(\d{1,9})(?:x(\d{1,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """An API answers a status, or misbehaves, instead of its answer.

    rate: the share of its calls, from 0 to 1. after: calls that go well first. times: how many calls it may concern
    after these; None for all.
    """

    api: str
    what: int | Mischief
    rate: float = 1.0
    after: int = 0
    times: int | None = None

    def concerns(self, call: int) -> bool:
        """Whether an API's call, counted from 1, may meet it."""
        return call > self.after and (self.times is None or call <= self.after + self.times)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Seconds before each answer, the faults, and the seed of all that looks random."""

    latency: float = 0.0
    faults: tuple[Fault, ...] = ()
    seed: int = 0


def parse_fault(text: str, apis: Collection[str]) -> Fault:
    """The fault that `API=FAULT[:RATE][@AFTER[xTIMES]]` asks for; the API `*` is each of them. Raises `SettingsError`.

    FAULT is a status or the name of a mischief.
    """
    api, equals, rest = text.rpartition("=")
    if not equals:
        raise SettingsError(f"{shown(text)} is not a fault; write {FORM}")
    if api != EVERY_API and api not in apis:
        raise SettingsError(f"{shown(text)}: there is no active API {shown(api)}; {nearest(api, apis)}")
    rest, at, window = rest.partition("@")
    what, colon, rate = rest.partition(":")
    after, times = _window(text, window) if at else (0, None)
    return Fault(api, _what(text, what), _rate(text, rate) if colon else 1.0, after, times)


def _what(text: str, what: str) -> int | Mischief:
    for name in get_args(Mischief):
        if what == name:
            found: Mischief = name
            return found
    if what.isascii() and what.isdigit() and FIRST_STATUS <= int(what[:9]) <= LAST_STATUS:
        return int(what)
    if what and what[0].isalpha():
        raise SettingsError(f"{shown(text)}: there is no fault {shown(what)}; {nearest(what, MISCHIEFS)}")
    said = f"{shown(what)} is not a status from {FIRST_STATUS} to {LAST_STATUS}"
    raise SettingsError(f"{shown(text)}: {said}; write {FORM}")


def _window(text: str, window: str) -> tuple[int, int | None]:
    if match := _WINDOW.fullmatch(window):
        return int(match[1]), int(match[2]) if match[2] else None
    hint = "write @20 for all but the first 20 calls, @20x5 for five calls after these"
    raise SettingsError(f"{shown(text)}: {shown(window)} does not say which calls; {hint}")


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
        faults = self._faults.get(api, []) + self._faults.get(EVERY_API, [])
        if not faults:
            return None
        self._calls[api] += 1
        rolled, reached = self._draw.at(api).at(self._calls[api]).below(PARTS), 0.0
        for fault in faults:
            if not fault.concerns(self._calls[api]):
                continue
            reached += fault.rate * PARTS
            if rolled < reached:
                return fault
        return None
