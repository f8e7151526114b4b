"""Every fault of the stand-in, through every way to the server: its code, its attempts, its bounds, and no secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
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


@dataclass(frozen=True)
class Outcome:
    """What became of an API's calls: the first's error, the orders that the good answers name, the requests in all."""

    code: str
    status: int | None
    attempts: int
    good: tuple[str, ...]
    sent: int


def expected(kind: str, fault: Fault) -> Outcome:
    """By the rule: what passes is tried again where nothing is changed by it, all else is sent once."""
    first = fault.met if kind == "look" else 1
    if kind == "look" and fault.is_passing:  # and then it passes in time
        return Outcome(fault.code, fault.status, first, ("A-2", "A-3"), first + 1 + ATTEMPTS)
    return Outcome(fault.code, fault.status, first, ("A-2",), first + 1)


@pytest.mark.parametrize("where", DOORS)
async def test_every_fault_has_its_code_and_attempts_and_costs_no_secret_no_memory_and_no_later_call(
    package: Built, upstream: StandIn, tmp_path: Path, where: str
):
    rows = [(kind, name) for name in FAULTS for kind in ("look", "pay")]
    table = {(kind, name): expected(kind, FAULTS[name]) for kind, name in rows}
    outcomes: dict[tuple[str, str], Outcome] = {}
    tellings: list[str] = []

    async def row(door: Drilled, kind: str, name: str) -> None:
        tool = f"{kind}_{name}_{where}"
        with pytest.raises(package.load("errors").ApiError) as raised:
            await door.client.call(tool, {"order": "A-1"})
        told = raised.value
        good = [await door.client.call(tool, {"order": order}) for order in table[kind, name].good]
        orders = tuple(one["order"] for one in good)
        outcomes[kind, name] = Outcome(told.code, told.status, told.attempts, orders, 0)
        tellings.extend((written(told), json.dumps(good)))

    def sent(kind: str, name: str) -> int:
        return upstream.log().count(f" /{kind}/{name}/{where} ")

    async with DOORS[where](package, upstream.settings, tmp_path) as door:
        for name in ("warm_echo", "warm_echo_oauth"):
            await door.client.call(name, {"order": "A-1"})
        before = door.peak if HAS_PROC else 0
        with anyio.fail_after(BOUND):
            for late in (True, False):  # a machine that is busy with the one shall not be late for the other
                pending = [(kind, name) for kind, name in rows if FAULTS[name].is_late == late]
                await asyncio.gather(*(row(door, *one) for one in pending))
        if HAS_PROC and door.pid:  # in this process, tests before this one have set the peak
            assert door.peak - before < GROWTH
        said = door.said()

    await eventually(lambda: all(sent(*one) >= table[one].sent for one in rows))
    assert {one: replace(outcome, sent=sent(*one)) for one, outcome in outcomes.items()} == table
    assert "Traceback" not in said
    for text in (*tellings, said):
        assert not leaks(text, *UNSEEN)
        assert ISSUED not in text
    assert audited(said) == {
        f"{kind}_{name}_{where}": [outcome.code] + ["ok"] * len(outcome.good) for (kind, name), outcome in table.items()
    }


def audited(said: str) -> dict[str, list[str]]:
    """How each tool's calls ended, as the audit log has it."""
    found: dict[str, list[str]] = {}
    for line in said.splitlines():
        if line.startswith('{"time"'):
            one = json.loads(line)
            found.setdefault(one["tool"], []).append(one["outcome"])
    return {tool: outcomes for tool, outcomes in found.items() if not tool.startswith("warm_")}
