"""Numbers within their bounds, of a size that suits their name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from mcp_codegen.standin.draw import Draw
from mcp_codegen.standin.texts import words

SPAN: Final = 1_000_000_000
"""Bounds that lie further apart than this say what is possible, not what is usual."""
EXACT: Final = 10**12
"""Beyond it floats have no cents to choose."""
TRIES: Final = 12

_BY_WORD: Final = (
    ("amount monto total debt deuda saldo balance price precio cost costo valor sum", 1_000, 250_000),
    ("id identifier identificador number numero code codigo folio", 10_000_000, 99_999_999),
    ("year ano", 2020, 2026),
    ("month mes", 1, 12),
    ("day dia", 1, 28),
    ("percent percentage porcentaje rate", 0, 100),
    ("count quantity cantidad size pages page offset limit", 1, 20),
    ("latitude lat", -56, -18),
    ("longitude lon lng", -76, -67),
)
_RANGES: Final = {word: (low, high) for words_, low, high in _BY_WORD for word in words_.split()}


def integer(constraints: Mapping[str, Any], name: str, example: object, draw: Draw) -> int:
    """A whole number that keeps the constraints, where there is one."""
    step = Fraction(str(constraints.get("multipleOf", 1))).numerator
    low, high = _bounds(constraints, name, example, nudge=1)
    first, last = -(-low // step), high // step
    return draw.between(first, max(first, last)) * step


def number(constraints: Mapping[str, Any], name: str, example: object, draw: Draw) -> float:
    """A number that keeps the constraints, where there is one; of two decimals where those are enough."""
    low, high = _bounds(constraints, name, example, nudge=0)
    if max(abs(low), abs(high)) > EXACT:
        return _short(low / 2 + high / 2)
    step = Fraction(str(constraints.get("multipleOf", "0.01")))
    while "multipleOf" not in constraints and high - low < 2 * step and step > Fraction(1, EXACT):
        step /= 10
    first, last = math.ceil(low / step), math.floor(high / step)
    tried = [_short(float(draw.between(first, max(first, last)) * step)) for _ in range(TRIES)]
    return next((value for value in tried if _keeps(value, constraints)), tried[0])


def _keeps(value: float, constraints: Mapping[str, Any]) -> bool:
    """Whether JSON Schema's validators, which divide floats, agree."""
    step = constraints.get("multipleOf")
    return (
        value > constraints.get("exclusiveMinimum", -math.inf)
        and value < constraints.get("exclusiveMaximum", math.inf)
        and (step is None or (value / step).is_integer())
    )


def _bounds(constraints: Mapping[str, Any], name: str, example: object, *, nudge: int) -> tuple[Any, Any]:
    """The smallest and the greatest number to choose. nudge: how far an exclusive bound is from the nearest number."""
    low, high = _stated(constraints, nudge)
    if low is not None and high is not None:
        return (low, high) if high - low <= SPAN else _usual_part(low, high)
    usual_low, usual_high = _usual(name, example)
    if low is not None:
        return (max(low, usual_low), usual_high) if low < usual_high else (low, low + usual_high - usual_low)
    if high is not None:
        return (usual_low, min(high, usual_high)) if high > usual_low else (high - (usual_high - usual_low), high)
    return usual_low, usual_high


def _stated(constraints: Mapping[str, Any], nudge: int) -> tuple[Any, Any]:
    rounds_up, rounds_down = (math.ceil, math.floor) if nudge else (_same, _same)
    lows = [rounds_up(constraints["minimum"])] if "minimum" in constraints else []
    highs = [rounds_down(constraints["maximum"])] if "maximum" in constraints else []
    if "exclusiveMinimum" in constraints:
        lows.append(rounds_down(constraints["exclusiveMinimum"]) + nudge)
    if "exclusiveMaximum" in constraints:
        highs.append(rounds_up(constraints["exclusiveMaximum"]) - nudge)
    return max(lows, default=None), min(highs, default=None)


def _same(value: Any) -> Any:  # noqa: ANN401 - a number
    return value


def _usual_part(low: Any, high: Any) -> tuple[Any, Any]:  # noqa: ANN401 - numbers
    if low < 0 < high:
        return 0, min(high, SPAN)
    return (low, low + SPAN) if low >= 0 else (high - SPAN, high)


def _usual(name: str, example: object) -> tuple[int, int]:
    """What is usual for a number of that name; one like the example, where there is one."""
    if isinstance(example, int | float) and not isinstance(example, bool) and 1 <= example < SPAN:
        power = 10 ** (len(str(int(example))) - 1)
        return power, 10 * power - 1
    return next((_RANGES[word] for word in reversed(words(name)) if word in _RANGES), (0, 1_000))


def _short(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) < SPAN else value
