"""What a server does about upstreams that fail, and how much it asks of them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mcp_codegen.catalog.nodes import Node, Seconds

Status = Annotated[int, Field(ge=400, le=599)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class Retry(Node):
    """Another attempt after a failure that passes by itself, for calls that may be made twice."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """In all; 1 is none but the first."""
    initial_seconds: Seconds = 0.5
    """Each wait is a random time up to a bound: this before the second attempt, and doubled before each further one."""
    max_seconds: Seconds = 8.0
    """The bound at most. Where the upstream's Retry-After says more, that counts."""
    statuses: Annotated[list[Status], Field(min_length=1)] = [429, 502, 503, 504]
    """Answers after which another attempt may help, beside connections that break."""

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.initial_seconds > self.max_seconds:
            raise PydanticCustomError("retry_bounds", "initialSeconds is more than maxSeconds")
        return self


class CircuitBreaker(Node):
    """When an upstream that fails is left alone for a while."""

    failure_rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The share of failed calls from which on no call is sent."""
    window: Annotated[int, Field(ge=1, le=1_000)] = 20
    """The share is of so many last calls."""
    minimum_calls: Annotated[int, Field(ge=1, le=1_000)] = 10
    """As long as there were fewer, all are sent."""
    open_seconds: Seconds = 30.0
    """How long none is sent. Then one is, as a probe: its end decides."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.minimum_calls > self.window:
            raise PydanticCustomError(
                "breaker_window", "minimumCalls is more than window: the breaker would never open"
            )
        return self


class Limits(Node):
    """How much is asked of an upstream at a time, and how much of it is passed on."""

    concurrent_calls: Count = 100
    """Further ones wait for their turn."""
    queued_calls: Annotated[int, Field(ge=0, le=100_000)] = 1_000
    """Further ones fail at once, with the code `busy`."""
    answer_bytes: Annotated[int, Field(ge=1_000, le=50_000_000)] = 256_000
    """Of an answer, unpacked; a larger one is an error."""
    model_bytes: Annotated[int, Field(ge=1_000, le=50_000_000)] = 50_000
    """Of an answer's text, which models read; more is cut, and said to be. Programs have the whole."""
