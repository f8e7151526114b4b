"""Every fault of the stand-in, through every way to the server: its code, its attempts, its bounds, and no secret."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from tests.generated import Built, build
from tests.runtime import drills
from tests.runtime.doors import KEY, TOKEN, eventually
from tests.runtime.drills import DOORS, HAS_PROC, Drilled, StandIn, written
from tests.runtime.leaks import leaks

pytestmark = pytest.mark.anyio

ATTEMPTS = 3
GROWTH = 64_000_000
"""Bytes that a server's memory may grow by in all: half of what the stand-in's bomb unpacks to."""
BOUND = 90.0
"""Seconds, for what takes two and would take forever: a machine may be busy."""


@dataclass(frozen=True)
class Fault:
    """What the stand-in is asked for, and what a caller is told.

    is_passing: another attempt may help. is_late: it is noticed by the time that it takes. auth: of the gateway.
    """

    asked: str
    code: str
    status: int | None = None
    is_passing: bool = False
    is_late: bool = False
    auth: str = "several"

    @property
    def met(self) -> int:
        """How many requests of one call of an API that reads meet it."""
        return ATTEMPTS if self.is_passing else 1


FAULTS = {
    "slow": Fault("slow", "timed_out", is_late=True),
    "drip": Fault("drip", "timed_out", is_late=True),
    "reset": Fault("reset", "unreachable", is_passing=True),
    "truncated": Fault("truncated", "unreachable", is_passing=True),
    "invalid_json": Fault("invalid-json", "not_json", 200),
    "deep_json": Fault("deep-json", "not_json", 200),
    "wrong_type": Fault("wrong-type", "not_json", 200),
    "drift": Fault("drift", "schema_mismatch", 200),
    "waf": Fault("waf", "blocked", 200),
    "redirect": Fault("redirect", "rejected", 302),
    "bomb": Fault("bomb", "answer_too_large", 200),
    "endless": Fault("endless", "answer_too_large", 200),
    "echo": Fault("echo", "rejected", 400),
    "echo_basic": Fault("echo", "rejected", 400, auth="basic"),
    "echo_oauth": Fault("echo", "rejected", 400, auth="oauth"),
    "s401": Fault("401", "unauthorized", 401),
    "s429": Fault("429", "rate_limited", 429, is_passing=True),
    "s500": Fault("500", "upstream_failed", 500),
    "s503": Fault("503", "upstream_failed", 503, is_passing=True),
    "s504": Fault("504", "upstream_failed", 504, is_passing=True),
}
SECRETS = {
    "HEADER_KEY": KEY,
    "QUERY_KEY": "qu3ry+with&signs=and/more",
    "COOKIE_KEY": "c00kie-0123456789",
    "TOKEN": TOKEN,
    "USER_NAME": "robot-0123",
    "USER_PASSWORD": "p4ss:with/signs+0123",
    "CLIENT_ID": "client-0123456789",
    "CLIENT_SECRET": "s3cret-with:signs/and+more",
}
ISSUED = "mock-token-"
"""How the tokens begin that the stand-in issues."""
UNSEEN = [secret for name, secret in SECRETS.items() if name not in ("USER_NAME", "CLIENT_ID")]
AUTHS: dict[str, Any] = {
    "several": [
        {"type": "apiKey", "in": "header", "name": "X-Key", "env": "HEADER_KEY"},
        {"type": "apiKey", "in": "query", "name": "key", "env": "QUERY_KEY"},
        {"type": "apiKey", "in": "cookie", "name": "sid", "env": "COOKIE_KEY"},
        {"type": "bearer", "env": "TOKEN"},
    ],
    "basic": {"type": "basic", "usernameEnv": "USER_NAME", "passwordEnv": "USER_PASSWORD"},
    "oauth": {
        "type": "oauth2ClientCredentials",
        "tokenUrl": "${DRILL_URL}/token",
        "clientIdEnv": "CLIENT_ID",
        "clientSecretEnv": "CLIENT_SECRET",
    },
}


def gateway(fault: Fault) -> dict[str, Any]:
    """One for each fault: no other's failures suspend it, nor use up its retries."""
    return {
        "baseUrl": "${DRILL_URL}",
        "auth": AUTHS[fault.auth],
        "retry": {"attempts": ATTEMPTS, "initialSeconds": 0.01, "maxSeconds": 0.02},
        "timeoutSeconds": 2 if fault.is_late else 60,
    }


def api(kind: str, fault: str, door: str) -> dict[str, Any]:
    """An API of its own for each row of the table: what the others do changes nothing."""
    return {
        "name": f"{kind}_{fault}_{door}",
        "httpMethod": "GET" if kind == "look" else "POST",
        "endpoint": f"/{kind}/{fault}/{door}",
        "gateway": fault,
        "inputs": [{"name": "order", "type": "string", "in": "query"}],
        "outputs": [
            {"name": "order", "type": "string", "required": True},
            {"name": "amount", "type": "int", "required": True},
        ],
    }


def asked() -> Iterator[str]:
    """An API that reads fails for one call, goes well for one, and then, if the failure passes, for all but its last
    attempt; one that writes fails once: a second attempt would have gone well."""
    for name, fault in FAULTS.items():
        for door in DOORS:
            yield f"look_{name}_{door}={fault.asked}@0x{fault.met}"
            if fault.is_passing:
                yield f"look_{name}_{door}={fault.asked}@{fault.met + 1}x{ATTEMPTS - 1}"
            yield f"pay_{name}_{door}={fault.asked}@0x1"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    apis = [api(kind, fault, door) for fault in FAULTS for kind in ("look", "pay") for door in DOORS]
    apis += [{**api("look", fault, "warm"), "name": f"warm_{fault}"} for fault in ("echo", "echo_oauth")]
    catalog = {"name": "drills", "gateways": {name: gateway(one) for name, one in FAULTS.items()}, "apis": apis}
    with build(catalog, tmp_path_factory.mktemp("drills")).importable() as built:
        yield built


@pytest.fixture(scope="module")
def upstream(package: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    options = [word for fault in asked() for word in ("--fail", fault)]
    with drills.stand_in(package, tmp_path_factory.mktemp("stand-in"), *options, environ=SECRETS) as found:
        yield found


@pytest.fixture(scope="module", params=DOORS)
async def opened(
    request: pytest.FixtureRequest, anyio_backend: str, package: Built, upstream: StandIn, tmp_path_factory
) -> AsyncIterator[tuple[str, Drilled, int]]:
    """The door's name, the door, and its peak of memory before anything failed."""
    folder = tmp_path_factory.mktemp(request.param)
    async with DOORS[request.param](package, upstream.settings, folder) as door:
        for name in ("warm_echo", "warm_echo_oauth"):
            await door.client.call(name, {"order": "A-1"})
        yield request.param, door, door.peak if HAS_PROC and door.pid else 0


@pytest.mark.parametrize("kind", ["look", "pay"])
@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_is_told_by_its_code_costs_what_it_may_and_harms_no_later_call(
    package: Built, upstream: StandIn, opened: tuple[str, Drilled, int], name: str, kind: str
):
    where, door, peak = opened
    fault, tool = FAULTS[name], f"{kind}_{name}_{where}"
    attempts = fault.met if kind == "look" else 1

    with anyio.fail_after(BOUND):
        with pytest.raises(package.load("errors").ApiError) as raised:
            await door.client.call(tool, {"order": "A-1"})
        told = raised.value
        assert (told.code, told.status, told.attempts) == (fault.code, fault.status, attempts)
        assert told.hint
        good = [await door.client.call(tool, {"order": "A-2"})]
        if fault.is_passing and kind == "look":  # and it passes in time
            attempts += ATTEMPTS - 1
            good.append(await door.client.call(tool, {"order": "A-3"}))
    assert [one["order"] for one in good] == ["A-2", "A-3"][: len(good)]

    def sent() -> int:
        return upstream.log().count(f" /{kind}/{name}/{where} ")

    await eventually(lambda: sent() >= attempts + len(good))
    assert sent() == attempts + len(good)

    said = door.said()
    assert "Traceback" not in said
    for text in (written(told), json.dumps(good), said):
        assert not leaks(text, *UNSEEN)
        assert ISSUED not in text
    assert [one["outcome"] for one in audited(said, tool)] == [fault.code] + ["ok"] * len(good)
    if peak:
        assert door.peak - peak < GROWTH


def audited(said: str, tool: str) -> list[dict[str, Any]]:
    """The lines of the audit log about a tool."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"time"')]
    return [line for line in lines if line["tool"] == tool]
