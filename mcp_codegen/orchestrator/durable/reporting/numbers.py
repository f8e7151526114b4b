"""Numbers, moments and durations as people of a language write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

Language = Literal["en", "es"]

_SPANISH = str.maketrans(",.", ".,")
LEAST = 0.1
"""Of a percentage that is told."""
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a language writes them."""

    language: Language

    def number(self, value: Decimal | float, places: int | None = None) -> str:
        """Digits in groups of three; a decimal amount with all of its digits where no number of places is given."""
        text = (
            f"{value:,.{places}f}"
            if places is not None
            else f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
        )
        return text.translate(_SPANISH) if self.language == "es" else text

    def share(self, part: float, whole: float) -> str:
        """A percentage; never 0 % or 100 % of what is not none or all."""
        percent = 100 * part / whole if whole else 0.0
        if part and percent < LEAST:
            return f"<{self.number(LEAST, 1)} %"
        if part < whole and percent > 100 - LEAST:
            return f">{self.number(100 - LEAST, 1)} %"
        return f"{self.number(percent, 0 if part in (0, whole) else 1)} %"

    def duration(self, milliseconds: float) -> str:
        """In the unit that reads best, such as 340 ms, 2.41 s, 3 min 20 s."""
        if milliseconds < SECOND:
            return f"{self.number(milliseconds, 0)} ms"
        if milliseconds < MINUTE:
            return f"{self.number(milliseconds / SECOND, 2)} s"
        for unit, word, smaller, small_word in (
            (DAY, "d", HOUR, "h"),
            (HOUR, "h", MINUTE, "min"),
            (MINUTE, "min", SECOND, "s"),
        ):
            if milliseconds >= unit:
                many, rest = divmod(round(milliseconds), unit)
                return f"{self.number(many)} {word} {rest // smaller} {small_word}"
        raise AssertionError("every duration has a unit")

    def moment(self, milliseconds: int) -> str:
        """A moment in UTC, to the second."""
        return datetime.fromtimestamp(milliseconds / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
