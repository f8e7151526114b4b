"""One thing that was looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """level: `problem` for what cannot work like this, `warning` for what should be looked after."""

    level: Level
    what: str
    remedy: str = ""
