"""Executes processes. Process code never sees an engine: they differ in what they remember, not in what a run means."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any, Protocol

from mcp_codegen.orchestrator import masking, values
from mcp_codegen.orchestrator.errors import MisuseError, ProcessError, StepError, describe, root_cause
from mcp_codegen.orchestrator.process import ClientT, InputT, OutputT, Process, Run, Watch, attempt
from mcp_codegen.orchestrator.record import ErrorRecord, Measure, RunRecord, RunStatus, now

logger = logging.getLogger(__name__)


class Engine(Protocol):
    """Starts runs, executes their steps (it gives each `Run` its `Perform`), and tells how they ended."""

    async def start(
        self, process: Process[ClientT, InputT, OutputT], client: ClientT, given: InputT, *, run_id: str | None = None
    ) -> str:
        """Start a run in the background and give its id. An id that was started before is not started again."""

    async def wait(self, run_id: str) -> RunRecord:
        """The record of a run, once it has ended in whatever way. Cancelling the wait does not cancel the run."""

    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop: the steps in flight are cancelled, and the run is recorded as cancelled."""


class LocalEngine:
    """Runs processes in this event loop and remembers them as long as it lives."""

    def __init__(self, watch: Watch = lambda step: None) -> None:
        self._watch = watch
        self._runs: dict[str, asyncio.Task[RunRecord]] = {}

    async def start(
        self, process: Process[ClientT, InputT, OutputT], client: ClientT, given: InputT, *, run_id: str | None = None
    ) -> str:
        """Start a run; see `Engine`."""
        run_id = run_id or str(uuid.uuid4())
        if run_id not in self._runs:
            run = Run[OutputT](run_id, perform=attempt, watch=self._watch)
            self._runs[run_id] = asyncio.create_task(conduct(process, client, given, run))
        return run_id

    async def wait(self, run_id: str) -> RunRecord:
        """The record of a run; see `Engine`."""
        return await asyncio.shield(self._runs[run_id])

    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop; see `Engine`."""
        self._runs[run_id].cancel()


async def conduct(
    process: Process[ClientT, InputT, OutputT], client: ClientT, given: InputT, run: Run[OutputT]
) -> RunRecord:
    """Execute a process's body and record how it ended. What every engine does around its own `Perform`.

    A cancellation ends here, as a record: call it as the outermost coroutine of a task.
    """
    started_at, clock = now(), time.monotonic()
    cause: BaseException | None = None
    try:
        run.publish(_checked(process, await process.body(run, client, given)))
    except BaseException as error:  # all are ways to end
        logger.debug("the process raised", exc_info=True)
        cause = error if _was_asked(error) else ProcessError("the process was cancelled from within", code="unexpected")
    unfinished = await run.end()
    if unfinished and cause is None:
        cause = MisuseError(f"the process ended before these steps did: {', '.join(unfinished)}; await every step")
    status, failure = _verdict(cause)
    return RunRecord(
        process=process.name,
        title=process.title,
        run_id=run.id,
        status=status,
        started_at=started_at,
        finished_at=now(),
        duration=round(time.monotonic() - clock, 3),
        input=values.model_data(given),
        error=failure,
        failed_step=_failed_step(cause),
        output=values.model_data(run.output) if run.output is not None else {},
        steps=run.steps,
        measures=_measures(process, run.output),
        personal=_personal(process),
    )


def _measures(process: Process[Any, Any, OutputT], output: OutputT | None) -> tuple[Measure, ...] | None:
    try:
        return tuple(process.measures(output)) if output is not None else ()
    except Exception:  # the process is over; what counts its output must not hide how it went
        logger.debug("the measures raised", exc_info=True)
        return None


def unstarted(process: Process[Any, InputT, Any], given: InputT, cause: BaseException) -> RunRecord:
    """The record of a run that did not come to its first line."""
    status, failure = _verdict(cause)
    moment = now()
    return RunRecord(
        process=process.name,
        title=process.title,
        run_id=str(uuid.uuid4()),
        status=status,
        started_at=moment,
        finished_at=moment,
        duration=0.0,
        input=values.model_data(given),
        error=failure,
        personal=_personal(process),
    )


def _personal(process: Process[Any, InputT, OutputT]) -> tuple[str, ...]:
    return tuple(sorted(masking.names(process.input) | masking.names(process.output)))


def _was_asked(error: BaseException) -> bool:
    """Whether a cancellation is the one that was asked of this task, not one that leaked out of a library."""
    task = asyncio.current_task()
    return not isinstance(error, asyncio.CancelledError) or task is None or task.cancelling() > 0


def _checked(process: Process[Any, Any, OutputT], output: object) -> OutputT:
    if not isinstance(output, process.output):
        raise MisuseError(
            f"process {process.name!r} must return a {process.output.__name__}, not {type(output).__name__}"
        )
    return output


def _verdict(cause: BaseException | None) -> tuple[RunStatus, ErrorRecord | None]:
    if cause is None:
        return "succeeded", None
    return ("cancelled" if isinstance(cause, asyncio.CancelledError) else "failed"), describe(cause)


def _failed_step(cause: BaseException | None) -> int | None:
    root = root_cause(cause) if cause is not None else None
    return root.record.step if isinstance(root, StepError) else None
