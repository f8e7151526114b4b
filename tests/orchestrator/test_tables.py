"""Lists on a terminal are tables, and nothing in them is obeyed by it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.orchestrator.conftest import PARCELS, ROOT, Orchestrate


def test_runs_on_a_terminal_are_a_table_in_which_foreign_text_commands_nothing(orchestrate: Orchestrate) -> None:
    Path("rows.jsonl").write_text(json.dumps({"number": 1, "place": "a", "how": "missing"}))
    assert orchestrate(
        "batch", PARCELS, "--inputs", "rows.jsonl", "--key", "number", "--server", "in-process"
    ).exit_code
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mcp_codegen.orchestrator", "runs", "list"]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environ) as listing:  # noqa: S603 - ours
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # what the other end's closing is on Linux
                break
            if not part:
                break
            shown += part
    os.close(ours)
    assert listing.returncode == 0, shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())  # what styles the table itself
    heading, line = plain.splitlines()
    assert heading.split()[:3] == ["run", "status", "created"]
    assert line.startswith("parcels-rows:1  failed")
    assert b"\x1b[31m p" not in shown
    assert "there is no\\x1b[31m parcel\\u202e here (not_found)" in line
