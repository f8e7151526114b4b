"""What a catalog says about failures and load: as arguments of the runtime, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mcp_codegen.catalog import CircuitBreaker, Gateway, Limits, Retry
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.errors import Problem, shown
from mcp_codegen.literals import call, literal
from mcp_codegen.package import Keyword

_BY_METHOD: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""The runtime repeats these unless it is told otherwise."""


def of_gateway(gateway: Gateway) -> Iterator[Keyword]:
    """What differs from the runtime's defaults."""
    if gateway.retry is not None:
        yield Keyword("retry", _retry(gateway.retry))
    if gateway.circuit_breaker != CircuitBreaker():
        yield Keyword("breaker", _breaker(gateway.circuit_breaker))
    if gateway.limits != Limits():
        yield Keyword("limits", _limits(gateway.limits))
    if gateway.redirects != "none":
        yield Keyword("redirects", literal(gateway.redirects))


def of_call(one: Operation) -> Iterator[Keyword]:
    """What an API says in place of its gateway, and what its method does not tell."""
    if one.idempotent != (one.method in _BY_METHOD):
        yield Keyword("repeatable", literal(one.idempotent))
    if one.api.idempotency_key is not None:
        yield Keyword("idempotency_header", literal(one.api.idempotency_key))
    if one.api.retry is not None:
        yield Keyword("retry", _retry(one.api.retry))


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


def _retry(retry: Retry) -> str:
    own = Retry()
    return call(
        "Retry",
        attempts=_unless(retry.attempts, own.attempts),
        first=_unless(retry.initial_seconds, own.initial_seconds),
        longest=_unless(retry.max_seconds, own.max_seconds),
        statuses=_unless(tuple(retry.statuses), tuple(own.statuses)),
    )


def _breaker(breaker: CircuitBreaker) -> str:
    own = CircuitBreaker()
    return call(
        "CircuitBreaker",
        window=_unless(breaker.window, own.window),
        minimum=_unless(breaker.minimum_calls, own.minimum_calls),
        failure_rate=_unless(breaker.failure_rate, own.failure_rate),
        seconds=_unless(breaker.open_seconds, own.open_seconds),
    )


def _limits(limits: Limits) -> str:
    own = Limits()
    return call(
        "Limits",
        concurrent=_unless(limits.concurrent_calls, own.concurrent_calls),
        queue=_unless(limits.queued_calls, own.queued_calls),
        answer_bytes=_unless(limits.answer_bytes, own.answer_bytes),
        model_bytes=_unless(limits.model_bytes, own.model_bytes),
    )


def _unless(value: object, default: object) -> object:
    return None if value == default else value
