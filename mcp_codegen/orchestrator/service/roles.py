"""Who may do what: three roles, and one table of what each route asks for."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; each role may do what those before it may."""

    VIEWER = "viewer"
    """Sees runs and batches, with personal data masked."""
    OPERATOR = "operator"
    """Starts, cancels, resumes and retries; sees personal data."""
    ADMIN = "admin"
    """Sees the audit log and the keys, and says who is told of what by webhooks."""

    def includes(self, other: Role) -> bool:
        """Whether who has this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


PUBLIC = None
"""Anybody may ask."""

ROUTES: dict[tuple[str, str], Role | None] = {
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/metrics"): Role.VIEWER,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/processes"): Role.VIEWER,
    ("GET", "/processes/{name}"): Role.VIEWER,
    ("GET", "/runs"): Role.VIEWER,
    ("GET", "/runs/{run_id}"): Role.VIEWER,
    ("PUT", "/runs/{run_id}"): Role.OPERATOR,
    ("POST", "/runs/{run_id}/cancel"): Role.OPERATOR,
    ("POST", "/runs/{run_id}/resume"): Role.OPERATOR,
    ("POST", "/runs/{run_id}/retry"): Role.OPERATOR,
    ("GET", "/batches"): Role.VIEWER,
    ("POST", "/batches"): Role.OPERATOR,
    ("GET", "/batches/{batch}"): Role.VIEWER,
    ("GET", "/batches/{batch}/results"): Role.VIEWER,
    ("GET", "/batches/{batch}/rejects"): Role.OPERATOR,
    ("POST", "/batches/{batch}/pause"): Role.OPERATOR,
    ("POST", "/batches/{batch}/resume"): Role.OPERATOR,
    ("POST", "/batches/{batch}/cancel"): Role.OPERATOR,
    ("POST", "/batches/{batch}/retry-failed"): Role.OPERATOR,
    ("GET", "/events"): Role.VIEWER,
    ("GET", "/audit"): Role.ADMIN,
    ("GET", "/webhooks"): Role.ADMIN,
    ("POST", "/webhooks"): Role.ADMIN,
    ("GET", "/webhooks/{webhook}"): Role.ADMIN,
    ("PATCH", "/webhooks/{webhook}"): Role.ADMIN,
    ("DELETE", "/webhooks/{webhook}"): Role.ADMIN,
    ("POST", "/webhooks/{webhook}/test"): Role.ADMIN,
    ("POST", "/webhooks/{webhook}/redeliver"): Role.ADMIN,
    ("GET", "/webhooks/{webhook}/deliveries"): Role.ADMIN,
    ("POST", "/deliveries/{delivery}/redeliver"): Role.ADMIN,
    ("GET", "/"): PUBLIC,
    ("GET", "/ui/sign-in"): PUBLIC,
    ("POST", "/ui/sign-in"): PUBLIC,
    ("GET", "/ui/sign-in/issuer"): PUBLIC,
    ("GET", "/ui/sign-in/back"): PUBLIC,
    ("POST", "/ui/sign-out"): PUBLIC,
    ("GET", "/ui"): Role.VIEWER,
    ("GET", "/ui/figures"): Role.VIEWER,
    ("GET", "/ui/live"): Role.VIEWER,
    ("GET", "/ui/attention"): Role.VIEWER,
    ("GET", "/ui/processes"): Role.VIEWER,
    ("GET", "/ui/processes/{name}"): Role.VIEWER,
    ("GET", "/ui/runs"): Role.VIEWER,
    ("GET", "/ui/runs/{run_id}"): Role.VIEWER,
    ("POST", "/ui/runs/{run_id}/{action}"): Role.OPERATOR,
    ("GET", "/ui/batches"): Role.VIEWER,
    ("GET", "/ui/start"): Role.OPERATOR,
    ("POST", "/ui/batches"): Role.OPERATOR,
    ("GET", "/ui/batches/{batch}"): Role.VIEWER,
    ("POST", "/ui/batches/{batch}/{action}"): Role.OPERATOR,
}
"""Every route stands here: the application refuses to be made with one that does not."""

SEES_PERSONAL_DATA = Role.OPERATOR
"""From this role on inputs, outputs and texts of errors are shown as they are."""
