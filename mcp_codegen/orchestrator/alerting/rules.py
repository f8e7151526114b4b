"""The file of rules: what is watched, from when on it is an alert, and whom it is told to.

destinations:
  oncall: ALERT_URL_ONCALL          # the environment variable that holds an apprise URL; never the URL
rules:
  - name: many-failures
    when: failure_rate
    above: 0.2
    window: 15m
    notify: [oncall]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from mcp_codegen.orchestrator.errors import UserError, shown
from mcp_codegen.orchestrator.moments import UNITS

MOST_BYTES = 1_000_000
CIRCUIT_OPEN = ("suspended",)
"""What generated clients say while an API is left alone."""

Severity = Literal["critical", "warning", "info"]


def _span(words: object) -> object:
    """`90s`, `15m`, `4h`, `1d`."""
    matched = re.fullmatch(r"(\d{1,6})([smhd])", words) if isinstance(words, str) else None
    if matched is None:
        raise ValueError("give a number and s, m, h or d, such as 15m")
    return timedelta(**{UNITS[matched[2]]: int(matched[1])})


Span = Annotated[timedelta, BeforeValidator(_span)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class _Rule(_Strict):
    name: Name
    severity: Severity = "warning"
    notify: tuple[Name, ...] = ()
    """Destinations; by default all."""
    process: str | None = None
    """The process that it is about; by default each of them."""
    hold: Annotated[Span | None, Field(alias="for")] = None
    """How long it must be so before it is an alert; by default a minute, and nothing where it is critical."""
    repeat: Span | None = None
    """After which it is told again, as long as it lasts."""

    @property
    def hold_ms(self) -> int:
        """How long it must be so before it is an alert."""
        usual = timedelta(0) if self.severity == "critical" else timedelta(minutes=1)
        return _ms(self.hold if self.hold is not None else usual)

    @property
    def repeat_ms(self) -> int | None:
        """After which it is told again."""
        return _ms(self.repeat) if self.repeat is not None else None


class FailureRate(_Rule):
    """So large a share of the runs that ended in the window failed."""

    when: Literal["failure_rate"]
    above: Annotated[float, Field(ge=0, lt=1)]
    window: Span = timedelta(minutes=15)
    least: Annotated[int, Field(ge=1)] = 10
    """Runs that must have ended in the window."""
    until: Annotated[float, Field(ge=0, lt=1)] | None = None
    """The share at which it is over; by default half of `above`."""


class ConsecutiveFailures(_Rule):
    """A step, which is the call of one API, failed so often in a row."""

    when: Literal["consecutive_failures"]
    count: Annotated[int, Field(ge=1)] = 5
    step: str | None = None


class Failure(_Rule):
    """A run failed; of the given codes of errors, if any are given."""

    when: Literal["failure"]
    codes: tuple[str, ...] = ()
    window: Span = timedelta(minutes=15)
    """How long after the last one it is over."""
    hold: Annotated[Span | None, Field(alias="for")] = timedelta(0)


class CircuitOpen(_Rule):
    """Calls of an API are not made any more, because it fails."""

    when: Literal["circuit_open"]
    window: Span = timedelta(minutes=5)
    """How long after the last such call it is over."""
    hold: Annotated[Span | None, Field(alias="for")] = timedelta(0)


class BatchStalled(_Rule):
    """A batch has runs to do, and none of them has ended for so long."""

    when: Literal["batch_stalled"]
    after: Span = timedelta(minutes=10)
    hold: Annotated[Span | None, Field(alias="for")] = timedelta(0)


class Latency(_Rule):
    """So large a share of the runs that ended in the window took longer than that."""

    when: Literal["latency"]
    above: Span
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.95
    window: Span = timedelta(minutes=15)
    least: Annotated[int, Field(ge=1)] = 10
    until: Span | None = None
    """The time at which it is over; by default four fifths of `above`."""


Rule = FailureRate | ConsecutiveFailures | Failure | CircuitOpen | BatchStalled | Latency


class Rules(_Strict):
    """A file of rules."""

    destinations: dict[Name, Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,99}$")]] = {}
    """Environment variables that hold apprise URLs, by the names that rules use."""
    rules: Annotated[tuple[Annotated[Rule, Field(discriminator="when")], ...], Field(min_length=1)]

    @field_validator("rules")
    @classmethod
    def _distinct(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names = [rule.name for rule in rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules are called {', '.join(twice)}")
        return rules

    @model_validator(mode="after")
    def _known(self) -> Self:
        strange = {name for rule in self.rules for name in rule.notify} - self.destinations.keys()
        if strange:
            raise ValueError(f"no destination is called {', '.join(sorted(strange))}")
        return self


def read(path: Path) -> Rules:
    """The rules of a file. Raises UserError with everything that is wrong with them."""
    place = f"the rules {shown(str(path))}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{place} are larger than {MOST_BYTES} bytes")
        told: Any = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{place} cannot be read: {error.strerror}", hint="name a YAML file with --rules") from error
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UserError(f"{place} are no YAML{where}", hint="docs/monitoring.md has an example") from error
    try:
        return Rules.model_validate(told)
    except ValidationError as error:
        problems = "\n  ".join(_problems(error, told))
        raise UserError(f"{place} cannot be used:\n  {problems}", hint="docs/monitoring.md has an example") from error


def _problems(error: ValidationError, told: Any) -> Iterator[str]:  # noqa: ANN401 - what the file held
    for each in error.errors(include_url=False, include_input=False):
        words = [str(word) for word in each["loc"]]
        if words[:1] == ["rules"] and len(words) > 1 and words[1].isdecimal():
            rule = told["rules"][int(words[1])]
            name = rule.get("name", "") if isinstance(rule, dict) else ""
            words = [f"rule {name or int(words[1]) + 1}", *words[3:]]
        yield f"{': '.join(words) or 'the file'}: {each['msg'].removeprefix('Value error, ')}"


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
