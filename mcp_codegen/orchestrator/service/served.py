"""A process that the service takes runs of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcp_codegen.orchestrator.durable.transact import Submitter
from mcp_codegen.orchestrator.process import Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A process that the service takes runs of, and the queue where they wait for workers."""

    process: Process[Any, Any, Any]
    queue: str
    submitter: Submitter
    mock: bool
    """Whether its runs are made against a stand-in of the real APIs."""
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]
