"""What requests cost: estimated before, counted after, and never more than was allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from typing import Final

from mcp_codegen.enrichment import answers
from mcp_codegen.enrichment.planning import Question
from mcp_codegen.errors import SettingsError, shown

PRICES: Final = {
    "gpt-4.1": (2.0, 8.0), "gpt-4.1-mini": (0.4, 1.6), "gpt-4.1-nano": (0.1, 0.4),
    "gpt-4o": (2.5, 10.0), "gpt-4o-mini": (0.15, 0.6),
    "gpt-5": (1.25, 10.0), "gpt-5-mini": (0.25, 2.0), "gpt-5-nano": (0.05, 0.4),
    "o3": (2.0, 8.0), "o4-mini": (1.1, 4.4),
}  # fmt: skip
"""US dollars for a million tokens in and out, as published for the standard tier in 2025. `--price` overrides."""
_REASONING: Final = re.compile(r"(?:^|[^a-z])(?:o\d|gpt-?5)")
_THOUGHTS: Final = 4_000
"""Tokens that a reasoning model may think, which are paid for as output."""
_BYTES_PER_TOKEN: Final = 3
"""Fewer than text in Latin letters has: an estimate that is rather too high. A vocabulary would have to be fetched."""
_MILLION: Final = 1_000_000
_USUAL: Final = {"title": 8, "field": 30, "description": 70}
"""Tokens that a text has as a rule."""
_PER_KEY: Final = 10


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    tokens_in: float
    tokens_out: float
    of: str
    """The model whose price it is; `--price` for one that was given."""

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / _MILLION


def price(model: str, given: str) -> Price:
    """The price that was given (`IN/OUT`), else the table's for the model, else the dearest. Raises `SettingsError`."""
    if given:
        match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)/(\d{1,6}(?:\.\d{1,6})?)", given)
        if match is None:
            raise SettingsError(
                f"--price {shown(given)} is no price; write IN/OUT, US dollars per million tokens: 0.4/1.6"
            )
        return Price(float(match[1]), float(match[2]), "--price")
    named = [name for name in PRICES if name in model.lower()]
    of = max(named, key=len) if named else max(PRICES, key=lambda name: PRICES[name][1])
    return Price(*PRICES[of], of)


def tokens_in(size: int) -> int:
    """Estimated from the bytes of a prompt."""
    return ceil(size / _BYTES_PER_TOKEN)


def usual_tokens_out(question: Question) -> int:
    """What the answer has as a rule."""
    return sum(_USUAL[answers.kind(place)] + _PER_KEY for place in question.places)


def most_tokens_out(question: Question, model: str) -> int:
    """What the answer may have: the service is told to stop there."""
    thoughts = _THOUGHTS if _REASONING.search(model.lower()) else 0
    return 200 + thoughts + sum(answers.LONGEST[answers.kind(one)] // 2 + _PER_KEY for one in question.places)


@dataclass(slots=True)
class Budget:
    """What was spent and what is on its way."""

    most: float | None
    """US dollars; None for no limit."""
    spent: float = 0.0
    reserved: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    requests: int = 0
    factor: float = 1.0
    """How many times dearer a request was than the dearest that was thought possible, at most."""

    def reserve(self, cost: float) -> float | None:
        """Set money aside for a request that costs at most this; None where there is not as much left."""
        cost *= self.factor
        if self.most is not None and self.spent + self.reserved + cost > self.most:
            return None
        self.reserved += cost
        return cost

    def settle(self, reserved: float, tokens_in: int, tokens_out: int, price: Price) -> None:
        """Count what a request took."""
        self.reserved = max(0.0, self.reserved - reserved)
        cost = price.cost(tokens_in, tokens_out)
        self.spent += cost
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.requests += 1
        if reserved > 0 and cost > reserved:
            self.factor *= cost / reserved

    def release(self, reserved: float) -> None:
        """Give back what a request that failed did not take."""
        self.reserved = max(0.0, self.reserved - reserved)
