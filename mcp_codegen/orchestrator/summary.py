"""The summary of a run, as text."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from mcp_codegen.orchestrator import values
from mcp_codegen.orchestrator.errors import describe, printable
from mcp_codegen.orchestrator.process import ClientT, InputT, OutputT, Process
from mcp_codegen.orchestrator.record import ErrorRecord, RunRecord, StepRecord

logger = logging.getLogger(__name__)

RULE = "=" * 80
MARKS = {"running": "…", "success": "✓", "error": "✗", "skipped": "–"}  # noqa: RUF001 - a dash, as in print
PLAIN = str.maketrans({"✓": "+", "✗": "x", "–": "-", "—": "-", "…": "~"})  # noqa: RUF001 - the same
"""For terminals that cannot show the marks."""
SHOWN_MESSAGE = 300
SHOWN_LINES = 10


def render(process: Process[ClientT, InputT, OutputT], record: RunRecord, closing: str) -> str:
    """The summary: what the process says of its output, the execution log, and the closing line."""
    lines = [RULE, "PROCESS ORCHESTRATION SUMMARY", RULE, ""]
    if record.output:
        lines += _sections(process, record)
    if record.steps:
        lines += ["Execution Log:", *(f"  {step_line(step)}" for step in record.steps), ""]
    lines += _ending(record)
    return "\n".join([*lines, closing, RULE])


def _sections(process: Process[ClientT, InputT, OutputT], record: RunRecord) -> list[str]:
    lines: list[str] = []
    try:
        for section in process.summary(values.read_model(process.output, record.output)):
            lines += [f"{printable(section.title)}:", *(f"  {printable(line)}" for line in section.lines), ""]
    except (Exception, SystemExit) as error:  # the process is over; its summary must not hide how it went
        logger.debug("the summary raised", exc_info=True)
        return [f"✗ The process's summary failed: {error_text(describe(error))}", ""]
    return lines


def step_line(step: StepRecord) -> str:
    """One step in one line, with its error or the reason why it was skipped."""
    line = f"[{MARKS[step.status]}] Step {step.step}: {printable(step.title)}"
    if step.error is not None:
        line += f" — {error_text(step.error)}"
    return f"{line} — {cut(step.reason)}" if step.reason else line


def error_text(error: ErrorRecord) -> str:
    """An error in one line: its text and its code."""
    return f"{cut(error.message)} ({printable(error.code)})"


def fitting(text: str, encoding: str) -> str:
    """The text as a terminal of this encoding can show it: without the marks, where it has none."""
    try:
        "".join(MARKS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return text.translate(PLAIN)
    return text


def _ending(record: RunRecord) -> Iterator[str]:
    if record.status == "cancelled":
        yield "✗ The process was cancelled"
    elif record.error is not None:
        place = f" at step {record.failed_step}" if record.failed_step else ""
        first, *more = record.error.message.splitlines() or [""]
        yield f"✗ The process failed{place}: {cut(first)} ({printable(record.error.code)})"
        yield from (f"  {cut(line)}" for line in [*more[:SHOWN_LINES], record.error.hint] if line.strip())


def cut(text: str) -> str:
    """Foreign text on one line that is not too long."""
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= SHOWN_MESSAGE else shown[: SHOWN_MESSAGE - 1] + "…"
