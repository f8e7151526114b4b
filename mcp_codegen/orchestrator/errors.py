"""What can go wrong at run time, and how it is said.

OrchestratorError       says what, in a text, a code and a hint
├── UserError           something that the user mends before anything runs
│   ├── LoadError       a process file that cannot be used
│   └── InputError      inputs that do not fit the process, all of them at once
├── ServerError         no way to the server
├── StandInError        the stand-in of the real APIs did not start
├── ResultsError        the results could not be saved
└── ProcessError        what process code raises to fail a step or a run with a text of its own
MisuseError             process code broke a rule of `Run` or `Process`
StepError               a step with the policy "fail" failed: what `Run.step` raises

A generated client's errors are known by their attributes only (`ApiFailure`): each generated package has its own.
"""

from __future__ import annotations

import asyncio
import re
import sysconfig
import traceback
import unicodedata
from pathlib import Path
from typing import Protocol, runtime_checkable

from mcp_codegen.orchestrator.record import ErrorRecord, StepRecord

SHOWN_LENGTH = 60
RECORDED_LENGTH = 2_000
CODE = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
"""A code is a word: it is searched for, and a label of metrics. What else stands there is no code."""


@runtime_checkable
class ApiFailure(Protocol):
    """What the errors of generated clients look like."""

    code: str
    message: str
    hint: str
    status: int | None
    retryable: bool
    retry_after: float | None


class OrchestratorError(Exception):
    """An error that says what happened (`message`), in one stable word (`code`), and what to do (`hint`)."""

    def __init__(self, message: str, *, code: str = "failed", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.status: int | None = None
        self.retryable = False
        self.retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UserError(OrchestratorError):
    """Something that the user mends before anything runs."""


class LoadError(UserError):
    """A process file that cannot be used."""


class InputError(UserError):
    """Inputs that do not fit the process."""


class ServerError(OrchestratorError):
    """No way to the server."""


class StandInError(OrchestratorError):
    """The stand-in of the real APIs did not start."""


class ResultsError(OrchestratorError):
    """The results could not be saved."""


class ProcessError(OrchestratorError):
    """Raise it in a step or in a process to fail with a text of your own."""


class MisuseError(Exception):
    """Process code broke a rule of `Run` or `Process`; no step policy hides it."""


class StepError(Exception):
    """A step failed and its policy is to fail the run. `record` tells everything."""

    def __init__(self, record: StepRecord) -> None:
        super().__init__(f"step {record.key!r} failed: {record.error.message if record.error else 'no error'}")
        self.record = record


def describe(error: BaseException) -> ErrorRecord:
    """What is recorded of an error.

    A text is taken only from errors that were made to be shown; another error's text may hold a secret, so only its
    type and the place that raised it are told.
    """
    error = root_cause(error)
    if isinstance(error, StepError) and error.record.error is not None:
        return error.record.error
    if isinstance(error, asyncio.CancelledError):
        return ErrorRecord(code="cancelled", message="cancelled before it finished")
    if isinstance(error, MisuseError):
        return ErrorRecord(code="misuse", message=_recordable(str(error)), hint="mend the process's code")
    if isinstance(error, ApiFailure):
        return ErrorRecord(
            code=str(error.code) if CODE.fullmatch(str(error.code)) else "failed",
            message=_recordable(str(error.message)),
            hint=_recordable(str(error.hint)),
            status=error.status if isinstance(error.status, int) else None,
            detail=_recordable(str(getattr(error, "detail", "") or "")),
        )
    return ErrorRecord(
        code="unexpected",
        message=f"{type(error).__name__}{_place(error)}",
        hint="run it with --debug to see the whole error",
    )


def root_cause(error: BaseException) -> BaseException:
    """The error that matters inside the groups that task groups wrap around it: the first that is no cancellation."""
    while isinstance(error, BaseExceptionGroup):
        real = [each for each in error.exceptions if not isinstance(each, asyncio.CancelledError)]
        error = (real or error.exceptions)[0]
    return error


def shown(text: str) -> str:
    """Foreign text in quotes, cut, and with nothing in it that a terminal would obey."""
    return f"'{printable(text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + '…')}'"


def printable(text: str) -> str:
    """Foreign text on one line with its control and invisible characters written out as escapes."""
    return "".join(c if _is_printable(c) else c.encode("unicode_escape").decode("ascii") for c in text)


def _is_printable(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ" or character == " "


def _recordable(text: str) -> str:
    """A text that any JSON file and any database can hold, of bounded length: PostgreSQL's texts have no NUL."""
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return clean if len(clean) <= RECORDED_LENGTH else clean[: RECORDED_LENGTH - 1] + "…"


def _place(error: BaseException) -> str:
    """Where the user's own code raised it or led to it: ` at file.py:12`, without directories."""
    libraries = [sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), str(Path(__file__).parent)]
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not any(frame.filename.startswith(library) for library in libraries)]
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
