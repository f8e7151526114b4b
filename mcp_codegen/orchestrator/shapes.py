"""How runs and batches are told: as JSON in a documented shape (docs/history.md), as lines, and as tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcp_codegen.orchestrator import command_line, moments
from mcp_codegen.orchestrator.errors import printable
from mcp_codegen.orchestrator.record import RunRecord, StepRecord
from mcp_codegen.orchestrator.summary import cut, error_text, fitting, step_line

STYLES = {
    **{"succeeded": "green", "ended": "green", "failed": "red", "cancelled": "yellow", "paused": "yellow"},
    **{"held": "yellow", "stopped": "yellow"},
}

Cells = Mapping[str, str]
"""A line of a table: its cells by their headings."""


def run(row: Any, state: str | None) -> dict[str, Any]:  # noqa: ANN401 - a row
    """A run as lists tell it. state: the engine's word for one that has not ended."""
    seconds = None if row.ended_ms is None or row.started_ms is None else (row.ended_ms - row.started_ms) / 1000
    return {
        "run_id": row.run_id,
        "batch": row.batch,
        "row": row.row,
        "process": row.process,
        "status": row.status or state or "queued",
        "created_at": moments.told(row.created_ms),
        "started_at": moments.told(row.started_ms),
        "ended_at": moments.told(row.ended_ms),
        "duration": seconds,
        "retries": row.steps_retried,
        "failed_step": row.failed_step,
        "error": {"code": row.error_code, "message": row.error_message} if row.error_code else None,
        "forked_from": row.forked_from,
    }


def batch(row: Any, counts: Mapping[str, int]) -> dict[str, Any]:  # noqa: ANN401 - a row
    """A batch, with the number of its runs by status."""
    return {
        "batch": row.batch,
        "process": row.process,
        "source": row.source,
        "mock": row.mock,
        "state": row.state,
        "created_at": moments.told(row.created_ms),
        "ended_at": moments.told(row.ended_ms),
        "rejected": row.rejected,
        "runs": dict(counts),
    }


def whole_run(
    told: dict[str, Any], given: Mapping[str, Any], steps: Sequence[StepRecord], record: RunRecord | None
) -> dict[str, Any]:
    """A run with all that is known of it; what may be shown of that is settled before."""
    error = record.error.model_dump(mode="json") if record is not None and record.error is not None else told["error"]
    plain = [step.model_dump(mode="json", exclude={"personal"}) for step in steps]
    return told | {"error": error, "input": given, "output": record.output if record else {}, "steps": plain}


def run_cells(told: Mapping[str, Any]) -> Cells:
    """A run in a table."""
    error = f"{cut(told['error']['message'])} ({told['error']['code']})" if told["error"] else ""
    return {
        "run": told["run_id"],
        "status": told["status"],
        "created": told["created_at"] or "",
        "took": "" if told["duration"] is None else f"{told['duration']:.2f} s",
        "retries": str(told["retries"] or ""),
        "failed at": told["failed_step"] or "",
        "error": error,
    }


def batch_cells(told: Mapping[str, Any]) -> Cells:
    """A batch in a table."""
    counted = ", ".join(f"{count} {word}" for word, count in sorted(told["runs"].items()))
    return {
        "batch": told["batch"],
        "process": told["process"],
        "state": told["state"],
        "created": told["created_at"] or "",
        "runs": counted + (f", {told['rejected']} rejected" if told["rejected"] else ""),
    }


def run_lines(told: Mapping[str, Any], steps: Sequence[StepRecord]) -> list[str]:
    """A run with its steps, for people."""
    place = f"row {told['row']} of the batch {told['batch']}" if told["batch"] else "of no batch"
    fork = f", forked from {told['forked_from']}" if told["forked_from"] else ""
    lines = [_joined(run_cells(told)), f"  process {told['process']}, {place}{fork}"]
    lines += [f"  {part}: {json.dumps(told[part], ensure_ascii=False)}" for part in ("input", "output") if told[part]]
    for step in steps:
        took = f"  {step.duration:.2f} s" if step.duration is not None and step.status != "skipped" else ""
        lines.append(f"  {step_line(step)}{took}")
        lines += [
            f"      attempt {number} of {step.key}: {error_text(attempt.error)}  {attempt.duration:.2f} s, "
            f"then {attempt.wait:.2f} s of waiting"
            for number, attempt in enumerate(step.retried, 1)
        ]
    hint = (told["error"] or {}).get("hint")
    return [*lines, f"  what to do: {hint}"] if hint else lines


def show(data: object, as_json: bool, lines: Sequence[str]) -> None:
    """Print it for programs or for people."""
    command_line.say(json.dumps(data, indent=2) if as_json else "\n".join(map(printable, lines)))


def show_table(data: object, as_json: bool, rows: Sequence[Cells], nothing: str) -> None:
    """Print it for programs, as a table on a terminal, or as a line for each where the output is read by another."""
    if as_json or not rows or not sys.stdout.isatty():
        show(data, as_json, [_joined(row) for row in rows] or [nothing])
        return
    console = Console(highlight=False)
    headings = [name for name in rows[0] if any(row[name] for row in rows)]
    table = Table(*headings, box=None, pad_edge=False, header_style="dim")
    for row in rows:
        table.add_row(*(_cell(row[name], console) for name in headings))
    console.print(table)


def _cell(text: str, console: Console) -> Text:
    return Text(fitting(printable(text), console.encoding), STYLES.get(text, ""), overflow="fold")


def _joined(cells: Cells) -> str:
    return "  ".join(cell for cell in cells.values() if cell)
