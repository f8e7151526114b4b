"""The states of a batch, and which may follow which. `batch_ledger.mark` holds every change against this table.

running     a process submits its rows, or works on its runs
submitted   all its rows are with the workers
stopped     nobody submits: by a signal, a limit, or because its process ended; the same command goes on
paused      by a person; nothing of it starts, also when the same command is given, until it is resumed
cancelled   by a person; its runs that had not ended are cancelled, and it is started no more until it is resumed
ended       all its rows were submitted, and their runs have ended
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Halt = Literal["paused", "cancelled"]
State = Literal["running", "submitted", "stopped", "ended"] | Halt

HALTED: frozenset[Halt] = frozenset({"paused", "cancelled"})
"""In these nothing of a batch is submitted or started."""

BEFORE: Mapping[State, frozenset[State]] = {
    "running": frozenset({"running", "submitted", "stopped", "ended"}),
    "submitted": frozenset({"running", "submitted", "stopped"}),
    "stopped": frozenset({"running", "submitted", "stopped"}),
    "paused": frozenset({"running", "submitted", "stopped", "paused"}),
    "cancelled": frozenset({"running", "submitted", "stopped", "paused", "cancelled"}),
    "ended": frozenset({"running", "submitted"}),
}
"""Each state, and those that it may follow. From the halted ones only a resumption leads on, to where the batch was."""
