"""What a batch was asked to do, and whether it fits what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable import batch_ledger, queues, transact, workers
from mcp_codegen.orchestrator.durable.batching import Limits
from mcp_codegen.orchestrator.durable.queues import Priority, Rate
from mcp_codegen.orchestrator.durable.states import HALTED
from mcp_codegen.orchestrator.errors import UserError
from mcp_codegen.orchestrator.process import Process

Mode = Literal["work", "wait", "submit"]
"""Execute the runs here, leave them to workers and wait, or just leave them to workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for."""

    process: Process[Any, Any, Any]
    file: Path
    batch: str
    key: tuple[str, ...]
    server: str
    mock: Path | None
    results: Path
    show_personal: bool
    """Whether results are written with personal data in them."""
    limits: Limits
    priority: Priority = "normal"
    mode: Mode = "work"
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """Of API calls, by gateway."""
    start_rate: Rate | None = None

    @property
    def executor(self) -> str:
        """The engine's name of who executes it; whoever has the batch reserved is the only one."""
        return f"batch:{self.batch}"

    @property
    def queue(self) -> str:
        """Where its runs wait."""
        return queues.name(self.process.name, mock=self.mock is not None)


def check(order: Order, kept: sa.Engine) -> None:
    """That the batch, if it is there already, is one of this process and fits what was asked. Raises UserError."""
    mock = order.mock is not None
    found = batch_ledger.begin(
        kept,
        order.batch,
        process=order.process.name,
        source=str(order.file.resolve()),
        mock=mock,
        priority=order.priority,
    )
    other = "give it another name with --batch"
    if found.process != order.process.name:
        raise UserError(f"the batch {order.batch} is one of the process {found.process}", hint=other)
    if found.mock != mock:
        before = "a stand-in" if found.mock else "the real APIs"
        raise UserError(f"the batch {order.batch} was run against {before}; its runs would be mixed up", hint=other)
    if found.state in HALTED:
        raise UserError(
            f"the batch {order.batch} is {found.state}, and stays so",
            hint=f"mcp-orchestrator batches resume {order.batch}",
        )
    with transact.history(kept) as history:
        version = queues.version(order.process, mock=mock)
        strange = history.of_other_versions(order.batch, version) if history is not None else {}
        others = [row for row in workers.living(kept, order.queue) if row.executor != order.executor]
        living = {row.version for row in others}
    strange = {run_id: other for run_id, other in strange.items() if other not in living}
    if strange:
        many = f"{len(strange)} runs of {order.batch} are" if len(strange) > 1 else f"1 run of {order.batch} is"
        raise UserError(
            f"the process {order.process.name} has changed: {many} in the middle of its version "
            f"{', '.join(sorted(set(strange.values())))}; it is {version} now, and could repeat or miss steps",
            hint="bring the old file back until they have ended, in a worker or here, or stop them: "
            f"mcp-orchestrator runs cancel {next(iter(strange))} …",
        )
