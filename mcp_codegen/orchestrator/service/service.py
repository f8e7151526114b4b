"""The one object that routes use: what the service has, made once and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mcp_codegen.orchestrator.process import Process
from mcp_codegen.orchestrator.service.access import Access
from mcp_codegen.orchestrator.service.audit import Audit
from mcp_codegen.orchestrator.service.limits import Limits, Throttle


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything that a request may need."""

    database: sa.Engine
    processes: Mapping[str, Process[Any, Any, Any]]
    """By name."""
    access: Access
    audit: Audit
    limits: Limits
    throttle: Throttle
