"""What the records of a batch come to, taken in one by one: amounts, steps, and the first failures with their remedies.

Amounts are added as decimals, exactly. What may be foreign text is held for so many kinds only; the rest is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Context, Decimal

from mcp_codegen.orchestrator.record import Measure, RunRecord, StepRecord

LISTED_FAILURES = 500
KINDS = 200
"""Groups of amounts, keys of steps, and remedies that are told apart."""
EXACT = Context(prec=60)
"""An amount has 30 digits at most: sums of more of them than there will ever be stay exact."""

_NUMBERED = re.compile(r"_\d+$")


def kind(step: str) -> str:
    """A step's key, one for all that are numbered: `link_…` for `link_1`, `link_2`, and so on."""
    return _NUMBERED.sub("_…", step)


@dataclass(slots=True)
class Amount:
    """The amounts of one name, group and currency."""

    name: str
    group: str
    currency: str
    count: int = 0
    total: Decimal = Decimal(0)


@dataclass(slots=True)
class Step:
    """A step in all runs; those that are numbered (`link_1`, `link_2`, …) are one."""

    key: str
    title: str
    """Empty where it is not the same in all runs."""
    outcomes: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    """By code, those included after which the run went on."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One run that failed."""

    row: int | None
    run_id: str
    step: str
    code: str
    message: str
    hint: str


@dataclass(slots=True)
class Sums:
    """Takes in the records of a batch."""

    title: str = ""
    amounts: dict[tuple[str, str, str], Amount] = field(default_factory=dict)
    uncounted: int = 0
    """Amounts of more kinds than are told apart."""
    unmeasured: int = 0
    """Runs whose amounts the process's own code could not tell."""
    steps: dict[str, Step] = field(default_factory=dict)
    hints: dict[tuple[str, str], str] = field(default_factory=dict)
    """What to do about a failure, by the kind of step and the code."""
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    """The first ones in the order of the file."""

    def take(self, row: int | None, record: RunRecord) -> None:
        """Take in a run."""
        self.title = record.title
        if record.measures is None:
            self.unmeasured += 1
        for measure in record.measures or ():
            self._add(measure)
        for step in record.steps:
            self._note(step)
        if record.status == "failed":
            self._fail(row, record)

    def _add(self, measure: Measure) -> None:
        key = measure.currency, measure.name, measure.group
        if key not in self.amounts and len(self.amounts) >= KINDS:
            self.uncounted += 1
            return
        amount = self.amounts.setdefault(key, Amount(measure.name, measure.group, measure.currency))
        amount.count += 1
        amount.total = EXACT.add(amount.total, measure.amount)

    def _note(self, step: StepRecord) -> None:
        key = kind(step.key)
        if key not in self.steps and len(self.steps) >= KINDS:
            return
        noted = self.steps.setdefault(key, Step(key, step.title))
        if noted.title != step.title:
            noted.title = ""
        noted.outcomes[step.status] += 1
        noted.retries += len(step.retried)
        noted.seconds += step.duration or 0.0
        noted.longest = max(noted.longest, step.duration or 0.0)
        if step.error is not None and (step.error.code in noted.errors or len(noted.errors) < KINDS):
            noted.errors[step.error.code] += 1

    def _fail(self, row: int | None, record: RunRecord) -> None:
        self.failed += 1
        error = record.error
        if error is None:
            return
        step = next((each.key for each in record.steps if each.step == record.failed_step), "")
        if len(self.hints) < KINDS:
            self.hints.setdefault((kind(step), error.code), error.hint)
        if len(self.failures) < LISTED_FAILURES:
            self.failures.append(Failure(row, record.run_id, step, error.code, error.message, error.hint))
