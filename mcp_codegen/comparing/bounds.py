"""Constraints, compared: which of two types takes less."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from mcp_codegen.comparing.changes import Difference
from mcp_codegen.errors import shown
from mcp_codegen.schema import Schema

_SIZES: Final = (("minLength", "maxLength", "lengths"), ("minItems", "maxItems", "numbers of members"))
_REFUSED: Final = "values that were taken are refused now"
_Bound = tuple[Fraction, bool] | None
"""A number, and whether it is itself outside; None where there is no limit. Upper limits are kept as their negative."""


def of_inputs(old: Schema, new: Schema, path: str) -> Iterator[Difference]:
    """What an input takes less, or more, than before. Both are of kinds that go together."""
    for low, high, noun in _SIZES:
        before = (_bound(old, low, "", 1), _bound(old, high, "", -1))
        after = (_bound(new, low, "", 1), _bound(new, high, "", -1))
        yield from _limits(before, after, noun, path)
    before = (_bound(old, "minimum", "exclusiveMinimum", 1), _bound(old, "maximum", "exclusiveMaximum", -1))
    after = (_bound(new, "minimum", "exclusiveMinimum", 1), _bound(new, "maximum", "exclusiveMaximum", -1))
    yield from _limits(before, after, "values", path)
    yield from _multiples(old.constraints.get("multipleOf"), new.constraints.get("multipleOf"), path)
    yield from _patterns(old.constraints.get("pattern"), new.constraints.get("pattern"), path)


def _limits(before: tuple[_Bound, _Bound], after: tuple[_Bound, _Bound], noun: str, path: str) -> Iterator[Difference]:
    if before == after:
        return
    what = f"takes {noun} {_said(after)} now, not {_said(before)}"
    if any(new is not None and (old is None or new > old) for old, new in zip(before, after, strict=True)):
        yield Difference(path, "breaking", "constraint-narrowed", what, _REFUSED)
    else:
        yield Difference(path, "addition", "constraint-widened", what, "")


def _said(limits: tuple[_Bound, _Bound]) -> str:
    low, high = limits
    words = [f"{'above' if low[1] else 'from'} {_number(low[0])}"] if low else []
    words += [f"{'below' if high[1] else 'up to'} {_number(-high[0])}"] if high else []
    return " ".join(words) or "of any size"


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else str(float(value))


def _bound(schema: Schema, inclusive: str, exclusive: str, sign: int) -> _Bound:
    """The limit that leaves the least."""
    found: list[tuple[Fraction, bool]] = []
    for key in (inclusive, exclusive):
        if key in schema.constraints:
            number = sign * Fraction(schema.constraints[key])
            outside = key == exclusive
            if outside and schema.kind == "integer":
                number, outside = number + 1, False
            found.append((number, outside))
    return max(found, default=None)


def _multiples(old: Any, new: Any, path: str) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    if new is not None and (old is None or Fraction(str(old)) % Fraction(str(new))):
        yield Difference(path, "breaking", "constraint-narrowed", f"takes only multiples of {new} now", _REFUSED)
    elif old is not None and old != new:
        yield Difference(path, "addition", "constraint-widened", f"takes more than multiples of {old}", "")


def _patterns(old: Any, new: Any, path: str) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    if new is not None and old != new:
        how = f"has to match {shown(new)} now" if old is None else f"has to match {shown(new)} now, not {shown(old)}"
        why = _REFUSED if old is None else "no program can tell which texts match both"
        yield Difference(path, "breaking", "pattern-changed", how, why)
    elif old is not None and new is None:
        yield Difference(path, "addition", "constraint-widened", f"need not match {shown(old)} any more", "")
