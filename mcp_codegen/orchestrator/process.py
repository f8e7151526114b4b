"""What a process author writes with.

    async def bill_customer(run: Run[Billing], telefonica: TelefonicaClient, customer: Customer) -> Billing:
        invoices = await run.step("invoices", "Get Invoices", lambda: telefonica.list_invoices(id=customer.id))
        ...

    process = Process(
        name="billing", title="…", client=TelefonicaClient, input=Customer, output=Billing, body=bill_customer
    )

A process is ordinary code between steps. Everything that touches the world (an API, a clock, a random number, a file)
belongs in a step: an engine may run the code around the steps again and hand back the values of steps that ran before.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, Self, TypeVar, get_args, overload

from pydantic import BaseModel, JsonValue

from mcp_codegen.orchestrator import values
from mcp_codegen.orchestrator.errors import MisuseError, StepError, describe
from mcp_codegen.orchestrator.record import Measure, Outcome, RunRecord, StepRecord, Stored, now
from mcp_codegen.orchestrator.retrying import ONCE, USUAL, Retry, persist

Storable = BaseModel | str | int | float | list[Any] | dict[str, Any] | None
"""What a step may return: a Pydantic model, or plain JSON values."""

OnError = Literal["fail", "continue"]
"""What a step's failure does: fail the run, or be recorded while the process goes on."""

Watch = Callable[[StepRecord], None]
"""Told of each step as it starts and as it ends."""

Perform = Callable[[str, Callable[[], Awaitable[Stored]], Retry | None], Awaitable[Outcome]]
"""How an engine executes the step of that key, which may ask for retries of its own.

An error of the step is an outcome; a `MisuseError` is raised.
"""

RESERVED = frozenset({*RunRecord.model_fields, "results", "execution_log"} - {"output", "steps", "personal"})
"""Keys of a results file that are not the process's own."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Connectable(Protocol):
    """A generated client's class: three ways to a server, each an async context manager of a client."""

    @classmethod
    def connect(cls, server: str, /, *, token: str = "") -> AbstractAsyncContextManager[Self]:
        """Connect to a server by its URL, with the caller's token if it wants one."""

    @classmethod
    def launch(cls, environ: Mapping[str, str] | None = None, /) -> AbstractAsyncContextManager[Self]:
        """Run the server as a child process."""

    @classmethod
    def in_process(cls, environ: Mapping[str, str] | None = None, /) -> AbstractAsyncContextManager[Self]:
        """Run the server in this process."""


ClientT = TypeVar("ClientT", bound=Connectable)
InputT = TypeVar("InputT", bound=BaseModel)
OutputT = TypeVar("OutputT", bound=BaseModel)
StepT = TypeVar("StepT", bound=Storable)


async def attempt(_key: str, call: Callable[[], Awaitable[Stored]], _retry: Retry | None = None) -> Outcome:
    """Execute a step once, here and now."""
    return await persist(ONCE, call)


class Run(Generic[OutputT]):
    """One execution of a process. `Run()` alone is all that a unit test of a process needs."""

    def __init__(
        self, run_id: str = "rehearsal", *, perform: Perform = attempt, watch: Watch = lambda step: None
    ) -> None:
        self.id = run_id
        """The same in a replay: with a step's key it makes an idempotency key."""
        self.output: OutputT | None = None
        """What was published last."""
        self._perform = perform
        self._watch = watch
        self._steps: dict[str, StepRecord] = {}
        self._in_flight: dict[str, asyncio.Task[Any] | None] = {}
        self._ended = False

    def key(self, step: str) -> str:
        """The idempotency key of a step: the same in every attempt and in a replay, and of no other step or run.

        `client.keyed(run.key("pay")).pay(…)` lets an API that takes such keys do once what is sent twice.
        """
        return f"{self.id}:{step}"

    @property
    def steps(self) -> tuple[StepRecord, ...]:
        """The execution log, in the order of starting."""
        return tuple(self._steps.values())

    @overload
    async def step(
        self,
        key: str,
        title: str,
        call: Callable[[], Awaitable[StepT]],
        *,
        on_error: Literal["fail"] = "fail",
        retry: Retry | None = None,
    ) -> StepT: ...

    @overload
    async def step(
        self,
        key: str,
        title: str,
        call: Callable[[], Awaitable[StepT]],
        *,
        on_error: OnError,
        retry: Retry | None = None,
    ) -> StepT | None: ...

    async def step(
        self,
        key: str,
        title: str,
        call: Callable[[], Awaitable[StepT]],
        *,
        on_error: OnError = "fail",
        retry: Retry | None = None,
    ) -> StepT | None:
        """Execute one step and give its value: a Pydantic model, or plain JSON values.

        `key` names the step for programs, once in a run; `title` for people. When the call raises, the policy "fail"
        raises `StepError`, "continue" records the error and gives None. Steps may run at the same time, each as one
        branch of `asyncio.gather` or a task group. `retry` is how often a durable engine tries, in place of the
        process's own `retry`.
        """
        if not callable(call) or on_error not in get_args(OnError):
            raise MisuseError(
                f"step {key!r}: give a function to call, such as `lambda: client.method(…)`, and on_error "
                f"{' or '.join(map(repr, get_args(OnError)))}"
            )
        running = self._open(key, title)
        try:
            outcome = await self._perform(key, lambda: _stored(key, call), retry)
            value: StepT | None = values.restore(outcome.value)
        except BaseException as error:
            duration = (now() - running.timestamp).total_seconds()
            broken = {"status": "error", "error": describe(error), "duration": duration, "attempts": 1}
            self._settle(running.model_copy(update=broken))
            raise
        settled = self._settle(_settled(running, outcome))
        if settled.status == "error" and on_error == "fail":
            raise StepError(settled)
        return value

    def skip(self, key: str, title: str, reason: str) -> None:
        """Record that a step is not needed in this run."""
        skipped = self._open(key, title).model_copy(update={"status": "skipped", "reason": reason, "duration": 0.0})
        self._settle(skipped)

    def publish(self, output: OutputT) -> None:
        """Tell what is known so far. The last word before a failure is what the results hold."""
        self.output = values.replayed(output)

    async def end(self) -> tuple[str, ...]:
        """Take no more steps, stop those in flight, and give their keys."""
        self._ended = True
        keys = tuple(self._in_flight)
        tasks = [task for task in self._in_flight.values() if task is not None and task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return keys

    def _open(self, key: str, title: str) -> StepRecord:
        if self._ended:
            raise MisuseError(f"step {key!r} was started after the process had ended; await every step")
        if not _KEY.fullmatch(key):
            raise MisuseError(f"{key!r} cannot be a step's key: lower-case letters, digits and _, such as 'invoices'")
        if key in self._steps:
            raise MisuseError(f"two steps have the key {key!r}; give each step of a run a key of its own")
        title = title.encode("utf-8", "replace").decode()
        record = StepRecord(timestamp=now(), step=len(self._steps) + 1, key=key, title=title, status="running")
        self._in_flight[key] = asyncio.current_task()
        self._steps[key] = record
        self._watch(record)
        return record

    def _settle(self, record: StepRecord) -> StepRecord:
        self._in_flight.pop(record.key, None)
        self._steps[record.key] = record
        self._watch(record)
        return record


async def _stored(key: str, call: Callable[[], Awaitable[object]]) -> Stored:
    try:
        return values.dump(await call())
    except MisuseError as mistake:
        raise MisuseError(f"step {key!r}: {mistake}") from mistake


def _settled(running: StepRecord, outcome: Outcome) -> StepRecord:
    update: dict[str, object] = {
        "timestamp": outcome.started_at,
        "status": "error" if outcome.error else "success",
        "duration": outcome.duration,
        "attempts": outcome.attempts,
        "retried": outcome.retried,
        "data": outcome.value.data,
        "personal": outcome.value.personal,
        "error": outcome.error,
    }
    return running.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the summary: a heading, and lines under it."""

    title: str
    lines: Sequence[str]


def fields(output: BaseModel) -> list[Section]:
    """The summary of a process that has none of its own: each field of its output on a line."""
    return [Section("Output", [f"{name}: {value}" for name, value in values.model_data(output).items()])]


def nothing(_output: BaseModel) -> Sequence[Measure]:
    """The measures of a process that has none."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Process(Generic[ClientT, InputT, OutputT]):
    """A business process: what it is called, what it takes and gives, and the code that does it."""

    name: str
    """For programs: lower-case letters, digits and _; never changes."""
    title: str
    client: type[ClientT]
    """The class of the generated client that the body is given."""
    input: type[InputT]
    output: type[OutputT]
    """Its fields stand at the top of the results file, beside `results` and `execution_log`."""
    body: Callable[[Run[OutputT], ClientT, InputT], Awaitable[OutputT]]
    summary: Callable[[OutputT], Sequence[Section]] = fields
    """What the summary says of the output."""
    measures: Callable[[OutputT], Sequence[Measure]] = nothing
    """What reports add up over the runs of a batch: of what was published last, also where a run failed after it."""
    retry: Retry = USUAL
    """How often a durable engine tries a step whose error may pass."""

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.name):
            raise MisuseError(f"{self.name!r} cannot be a process's name: lower-case letters, digits and _")
        for model in (self.input, self.output):
            if not (isinstance(model, type) and issubclass(model, BaseModel)):
                raise MisuseError(f"process {self.name!r}: input and output must be Pydantic models, not {model!r}")
        schema: dict[str, JsonValue] = self.output.model_json_schema(mode="serialization")
        properties = schema.get("properties")
        if clashes := RESERVED.intersection(properties if isinstance(properties, dict) else ()):
            raise MisuseError(
                f"process {self.name!r}: results files use {', '.join(sorted(clashes))} themselves; rename them"
            )
