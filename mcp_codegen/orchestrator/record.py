"""What is remembered of a run: plain data that goes through JSON and back unchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer

StepStatus = Literal["running", "success", "error", "skipped"]
RunStatus = Literal["succeeded", "failed", "cancelled"]


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_milliseconds, when_used="json")]
"""A moment in UTC; in JSON with milliseconds: 2025-12-08T12:00:00.000Z."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ErrorRecord(_Record):
    """Why a step or a run failed; holds no secret."""

    code: str
    """A stable word for programs."""
    message: str
    hint: str = ""
    """What to do about it."""
    status: int | None = None
    """The HTTP status of the API, where there was one."""
    detail: str = ""
    """The start of the API's own words."""


class Stored(_Record):
    """A step's value as it is kept: JSON, and the class that reads it."""

    model: str = ""
    """`module:Class` of a Pydantic model; empty for plain JSON."""
    data: JsonValue = None
    personal: tuple[str, ...] = ()
    """Names of its members that are personal data."""


class Attempt(_Record):
    """An attempt of a step that failed and was followed by another."""

    started_at: Timestamp
    duration: float
    """Seconds."""
    error: ErrorRecord
    wait: float
    """Seconds until the next attempt."""


class Outcome(_Record):
    """How a step ended: with a value, or with an error."""

    started_at: Timestamp
    duration: float
    """Seconds, over all attempts."""
    attempts: int = 1
    retried: tuple[Attempt, ...] = ()
    """The attempts before the last one."""
    value: Stored = Stored()
    error: ErrorRecord | None = None


class StepRecord(_Record):
    """One entry of the execution log."""

    timestamp: Timestamp
    """When the step started."""
    step: int
    """Counts from 1, in the order of starting."""
    key: str
    title: str
    status: StepStatus
    duration: float | None = None
    """Seconds; none while the step runs."""
    attempts: int = 0
    retried: tuple[Attempt, ...] = ()
    """The attempts before the last one."""
    data: JsonValue = None
    error: ErrorRecord | None = None
    reason: str | None = None
    """Why the step was skipped."""
    personal: tuple[str, ...] = ()
    """Names of the members of its value that are personal data; see `masking`."""


class Measure(_Record):
    """An amount that reports add up over the runs of a batch: in JSON a text, so that no digit is lost.

    Each is counted too: give one for each thing (an invoice, a payment), not their sum.
    """

    name: str = Field(max_length=100)
    """What is counted, such as "Invoices"."""
    group: str = Field(default="", max_length=100)
    """What its amounts are told apart by, such as a status."""
    amount: Decimal = Field(max_digits=30, decimal_places=10, allow_inf_nan=False)
    currency: str = Field(default="", max_length=20)
    """ISO 4217, or another unit: amounts of different ones are never added."""


class RunRecord(_Record):
    """A finished run."""

    process: str
    title: str
    run_id: str
    status: RunStatus
    started_at: Timestamp
    finished_at: Timestamp
    duration: float
    """Seconds."""
    input: dict[str, JsonValue]
    error: ErrorRecord | None = None
    failed_step: int | None = None
    """The number of the step that failed the run."""
    output: dict[str, JsonValue] = {}
    """What the process published last."""
    steps: tuple[StepRecord, ...] = ()
    measures: tuple[Measure, ...] | None = ()
    """What the process counts of its output; none where its own code for that failed."""
    personal: tuple[str, ...] = ()
    """Names of the members of input and output that are personal data; see `masking`."""


def now() -> datetime:
    """This moment in UTC, with the precision of records."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
