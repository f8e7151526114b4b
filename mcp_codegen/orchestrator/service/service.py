"""The one object that routes use: what the service has, made once and passed on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.transact import History
from mcp_codegen.orchestrator.service.access import Access
from mcp_codegen.orchestrator.service.audit import Audit
from mcp_codegen.orchestrator.service.feed import Feed
from mcp_codegen.orchestrator.service.intake import Intake
from mcp_codegen.orchestrator.service.limits import Limits, Throttle
from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.served import Served
from mcp_codegen.orchestrator.service.signing_in import SignIn
from mcp_codegen.orchestrator.webhooks.destinations import Allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything that a request may need."""

    database: sa.Engine
    history: History
    processes: Mapping[str, Served]
    """By name."""
    intake: Intake
    feed: Feed
    access: Access
    audit: Audit
    limits: Limits
    throttle: Throttle
    sign_in: SignIn | None = None
    """How people sign in at their issuer; None where keys alone open pages."""
    metrics: Callable[[], bytes] | None = None
    """Prometheus' text; none where nothing is measured."""
    webhooks_allow: Allowed = field(default_factory=Allowed)
    """Where webhooks may go besides public https addresses."""

    def served(self, process: str) -> Served:
        """The process of that name. Raises `Refusal` (404)."""
        found = self.processes.get(process)
        if found is None:
            known = ", ".join(sorted(self.processes))
            raise Refusal(404, f"there is no process {process}", code="unknown_process", hint=f"there are: {known}")
        return found
