"""`/metrics`: what Prometheus reads."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from mcp_codegen.orchestrator.service.guard import GuardedRoute, Serving
from mcp_codegen.orchestrator.service.problems import Refusal, answers
from mcp_codegen.orchestrator.telemetry import exposition

CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}
}

routes = APIRouter(tags=["health"], route_class=GuardedRoute)


@routes.get(
    "/metrics", response_class=Response, responses=answers(401, 403, 404, 429) | CONTENT, operation_id="metrics"
)
def metrics(service: Serving) -> Response:
    """What this service and its workers counted, and figures of the database, in Prometheus' text format."""
    if service.metrics is None:
        raise Refusal(404, "metrics are switched off", hint="OTEL_SDK_DISABLED switches them off")
    return Response(service.metrics(), media_type=exposition.CONTENT_TYPE)
