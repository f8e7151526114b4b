"""What a catalog says about failures and load: as arguments of the runtime, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mcp_codegen.catalog import CircuitBreaker, Gateway, Limits, Retry
from mcp_codegen.checked import IDEMPOTENT_METHODS, CheckedCatalog, Operation
from mcp_codegen.errors import Problem, shown
from mcp_codegen.literals import call, literal
from mcp_codegen.package import Keyword

_ARGUMENTS: Final = {
    "attempts": "attempts",
    "initial_seconds": "first",
    "max_seconds": "longest",
    "statuses": "statuses",
    "window": "window",
    "minimum_calls": "minimum",
    "failure_rate": "failure_rate",
    "open_seconds": "seconds",
    "concurrent_calls": "concurrent",
    "queued_calls": "queue",
    "answer_bytes": "answer_bytes",
    "model_bytes": "model_bytes",
}
"""The runtime's word for each key of a policy; a policy itself is called the same on both sides."""


def of_gateway(gateway: Gateway) -> Iterator[Keyword]:
    """What differs from the runtime's defaults."""
    if gateway.retry is not None:
        yield Keyword("retry", _written(gateway.retry))
    if gateway.circuit_breaker != CircuitBreaker():
        yield Keyword("breaker", _written(gateway.circuit_breaker))
    if gateway.limits != Limits():
        yield Keyword("limits", _written(gateway.limits))
    if gateway.redirects != "none":
        yield Keyword("redirects", literal(gateway.redirects))


def of_call(one: Operation) -> Iterator[Keyword]:
    """What an API says in place of its gateway, and what its method does not tell."""
    if one.idempotent != (one.method in IDEMPOTENT_METHODS):
        yield Keyword("repeatable", literal(one.idempotent))
    if one.api.idempotency_key is not None:
        yield Keyword("idempotency_header", literal(one.api.idempotency_key))
    if one.api.retry is not None:
        yield Keyword("retry", _written(one.api.retry))


def check(catalog: CheckedCatalog) -> Iterator[Problem]:
    """What would have no effect, or two."""
    for one in catalog.active:
        key = one.api.idempotency_key
        if one.api.retry is not None and one.api.retry.attempts > 1 and not (one.idempotent or key):
            said = "this API may not be called twice, so no call is ever retried"
            hint = "say \"idempotent\": true if it may, name its 'idempotencyKey', or leave 'retry' out"
            yield Problem((*one.pointer, "retry"), said, hint, at_key=True)
        for parameter in one.parameters:
            if key is not None and parameter.place == "header" and parameter.name.lower() == key.lower():
                said = f"the input {shown(parameter.name)} is the same header"
                yield Problem((*one.pointer, "idempotencyKey"), said, "remove the input: the server fills it in")


def _written(policy: Retry | CircuitBreaker | Limits) -> str:
    """The policy as the runtime's, with what differs from its defaults."""
    own = type(policy)()
    changed: dict[str, object] = {}
    for key, argument in _ARGUMENTS.items():
        value = getattr(policy, key, None)
        if value != getattr(own, key, None):
            changed[argument] = tuple(value) if isinstance(value, list) else value
    return call(type(policy).__name__, **changed)
