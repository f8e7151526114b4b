"""What a batch tells while it goes on: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen.orchestrator.durable import telling
from mcp_codegen.orchestrator.durable.batching import Tally
from tests.orchestrator.conftest import PARCELS, ROOT

COMMAND = [sys.executable, "-m", "mcp_codegen.orchestrator", "batch", PARCELS, "--inputs", "rows.jsonl"]
ROWS = "".join(f'{{"number": {n}, "place": "a"}}\n' for n in range(1, 9)) + (
    '{"number": 9, "place": "a", "how": "given up"}\n{"number": 0, "place": "a"}\n'
)


def options(folder: Path) -> dict[str, Any]:
    (folder / "rows.jsonl").write_text(ROWS)
    return {"cwd": folder, "env": os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "140", "TERM": "xterm"}}


def test_a_terminal_has_a_bar_that_is_gone_at_the_end(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - ours
        [*COMMAND, "--server", "in-process"], stderr=theirs, stdout=subprocess.PIPE, **options(tmp_path)
    ) as running:
        os.close(theirs)
        seen = b""
        try:
            while block := os.read(ours, 65_536):
                seen += block
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(ours)
        assert running.stdout is not None
        said = running.stdout.read().decode()
    assert b"succeeded" in seen
    assert "━".encode() in seen
    assert seen.rstrip().endswith(b"\x1b[2K"), "the bar is taken away"
    assert "8 succeeded, 1 failed" in said


def test_elsewhere_there_are_few_lines_and_the_last_has_the_totals(tmp_path: Path) -> None:
    command = [*COMMAND, "--server", "in-process"]
    more = options(tmp_path)
    ended = subprocess.run(command, check=False, capture_output=True, text=True, **more)  # noqa: S603 - ours
    lines = ended.stderr.splitlines()
    assert len(lines) <= telling.TENTHS + 1
    assert lines[-1].startswith("9 of 9 (100 %) ended, 8 succeeded, 1 failed, 1 rejected")
    assert "\x1b" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("a.csv", "n\n1\n2", 2),
        ("a.csv", "", 0),
        ("a.jsonl", "{}\n{}\n", 2),
        ("a.json", "[1]", None),
    ],
)
def test_rows_are_counted_before_they_are_read_where_they_are_lines(
    tmp_path: Path, name: str, content: str, count: int | None
) -> None:
    (tmp_path / name).write_text(content)
    assert telling.count_lines(tmp_path / name) == count


def test_the_rate_is_that_of_the_last_seconds_and_tells_how_long_it_will_take() -> None:
    pace = telling.Pace()
    for second in range(100):
        pace.see(second, 10 * second if second < 50 else 500 + 2 * (second - 50))
    assert pace.rate == pytest.approx(2)
    tally = Tally(rows=700, rejected=100, new=600, ended=Counter(succeeded=590, failed=8), retried=3)
    said = "598 of about 900 (66 %) ended, 590 succeeded, 8 failed, 3 retries, 100 rejected, 2.0/s, 2 min 31 s left"
    assert telling.line(tally, pace, 1000) == said
    assert telling.line(tally, telling.Pace(), None).startswith("598 ended, 590 succeeded")
