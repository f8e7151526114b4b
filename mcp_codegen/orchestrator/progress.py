"""What a run tells while it goes on: a line for each step that ended, and on a terminal the steps in flight."""

from __future__ import annotations

from rich.console import Console
from rich.status import Status
from rich.text import Text

from mcp_codegen.orchestrator.errors import printable
from mcp_codegen.orchestrator.record import StepRecord
from mcp_codegen.orchestrator.summary import fitting, step_line

STYLES = {"running": "", "success": "green", "error": "red", "skipped": "dim"}


class Progress:
    """Told of each step as it starts and ends; `close` it before anything else is printed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._running: dict[str, str] = {}
        self._status: Status | None = None
        self._gone = False

    def __call__(self, step: StepRecord) -> None:
        """Show a step that started or ended. A terminal that is gone stops the telling, not the run."""
        if self._gone:
            return
        try:
            self._tell(step)
        except (OSError, SystemExit):  # what rich makes of a broken pipe
            self._gone = True

    def close(self) -> None:
        """Take the steps in flight off the terminal."""
        self._running.clear()
        if not self._gone:
            self._show_running()

    def _tell(self, step: StepRecord) -> None:
        if step.status == "running":
            self._running[step.key] = printable(step.title)
        else:
            self._running.pop(step.key, None)
            duration = f"  {step.duration:.2f} s" if step.duration is not None and step.status != "skipped" else ""
            line = Text(fitting(step_line(step), self._console.encoding), STYLES[step.status])
            self._console.print(line.append(duration, "dim"), soft_wrap=True)
        self._show_running()

    def _show_running(self) -> None:
        titles = Text(", ".join(self._running.values()))
        if not self._running and self._status is not None:
            self._status.stop()
            self._status = None
        elif self._running and self._status is not None:
            self._status.update(titles)
        elif self._running and self._console.is_terminal:
            self._status = self._console.status(titles)
            self._status.start()
