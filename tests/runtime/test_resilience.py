"""Upstreams that fail for a while: what is attempted again, what is not sent, and what waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.generated import Built, build, codegen
from tests.runtime.answers import fixed
from tests.runtime.doors import eventually
from tests.runtime.upstream import Peer, Received, Upstream, response

pytestmark = pytest.mark.anyio

QUICK = {"initialSeconds": 0.01, "maxSeconds": 0.02}
CATALOG: dict[str, Any] = {
    "name": "failing",
    "gateways": {
        "shop": {
            "baseUrl": "${SHOP_URL}",
            "retry": QUICK,
            "circuitBreaker": {"window": 8, "minimumCalls": 4, "openSeconds": 1},
            "limits": {"concurrentCalls": 2, "queuedCalls": 1, "answerBytes": 2000},
            "timeoutSeconds": 15,
        }
    },
    "apis": [
        {"name": "look", "httpMethod": "GET", "endpoint": "/look", "output": {}},
        {"name": "search", "httpMethod": "POST", "endpoint": "/search", "readOnly": True, "output": {}},
        {"name": "pay", "httpMethod": "POST", "endpoint": "/pay", "output": {}},
        {"name": "erase", "httpMethod": "DELETE", "endpoint": "/erase", "idempotent": False, "output": {}},
        {
            "name": "order", "httpMethod": "POST", "endpoint": "/order", "output": {},
            "idempotencyKey": "Idempotency-Key",
        },
        {"name": "once", "httpMethod": "GET", "endpoint": "/once", "retry": {"attempts": 1}, "output": {}},
        {
            "name": "teapot", "httpMethod": "GET", "endpoint": "/t", "output": {},
            "retry": {**QUICK, "attempts": 2, "statuses": [418, 500]},
        },
    ],
}  # fmt: skip

OK = response(b'{"ok":true}')
UNAVAILABLE = response(b"{}", "503 Service Unavailable")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with build(CATALOG, tmp_path_factory.mktemp("failing")).importable() as built:
        yield built


@asynccontextmanager
async def connected(package: Built, upstream: Upstream, breaker: str = "off", **more: str) -> AsyncIterator[Any]:
    environ = {"SHOP_URL": upstream.url, "SHOP_BREAKER": breaker, **more}
    async with package.load("client").FailingClient.in_process(environ) as client:
        yield client


@pytest.fixture
async def client(package: Built, upstream: Upstream) -> AsyncIterator[Any]:
    async with connected(package, upstream) as client:
        yield client


def failing(times: int, answer: bytes = UNAVAILABLE) -> Any:
    """So many failures, then good answers; no answer is a connection that breaks."""
    left = times

    async def reply(_: Received, peer: Peer) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            await peer.send(OK)
        elif answer:
            await peer.send(answer)
        else:
            peer.reset()

    return reply


async def told(package: Built, call: Any) -> Any:
    with pytest.raises(package.load("errors").ApiError) as raised:
        await call
    return raised.value


# --- retries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["look", "search", "order"])
@pytest.mark.parametrize("answer", [UNAVAILABLE, b"", response(b"", "429 Too Many Requests"), response(b"", "502 Bad")])
async def test_a_call_that_may_be_made_twice_is_made_again(client: Any, upstream: Upstream, tool: str, answer: bytes):
    upstream.answer = failing(2, answer)
    assert await client.call(tool, {}) == {"ok": True}
    assert len(upstream.received) == 3
    assert len({(one.method, one.target, one.body) for one in upstream.received}) == 1


@pytest.mark.parametrize("tool", ["pay", "erase", "once"])
@pytest.mark.parametrize("answer", [UNAVAILABLE, b""])
async def test_a_call_that_may_not_be_made_twice_is_made_once(
    package: Built, client: Any, upstream: Upstream, tool: str, answer: bytes
):
    upstream.answer = failing(1, answer)
    error = await told(package, client.call(tool, {}))
    assert error.retryable
    assert error.attempts == 1
    assert len(upstream.received) == 1
    assert await client.call(tool, {}) == {"ok": True}


@pytest.mark.parametrize("status", ["400 Bad", "404 Not Found", "500 Oops", "501 No"])
async def test_a_failure_that_does_not_pass_is_told_at_once(
    package: Built, client: Any, upstream: Upstream, status: str
):
    upstream.answer = fixed("{}", status)
    error = await told(package, client.look())
    assert (error.status, error.attempts, len(upstream.received)) == (int(status[:3]), 1, 1)


async def test_the_catalog_says_which_failures_pass_and_how_often_to_try(
    package: Built, client: Any, upstream: Upstream
):
    upstream.answer = fixed("{}", "500 Oops")
    error = await told(package, client.teapot())
    assert (error.attempts, len(upstream.received)) == (2, 2)
    assert json.dumps(error.to_dict()).count('"attempts": 2') == 1


async def test_the_operator_may_say_otherwise(package: Built, upstream: Upstream):
    upstream.answer = fixed("{}", "503 Busy")
    async with connected(package, upstream, SHOP_ATTEMPTS="1") as client:
        assert (await told(package, client.look())).attempts == 1
    async with connected(package, upstream, SHOP_ATTEMPTS="11") as client:
        error = await told(package, client.look())
    assert error.code == "not_configured"
    assert "SHOP_ATTEMPTS is not a number from 1 to 10" in str(error)


async def test_an_idempotency_key_stays_the_same_in_all_attempts_of_a_call(client: Any, upstream: Upstream):
    upstream.answer = failing(2)
    await client.order()
    await client.order()
    keys = [key for one in upstream.received for key in one.header("idempotency-key")]
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


async def test_a_caller_may_bring_the_key_so_that_a_later_call_is_the_same(client: Any, upstream: Upstream):
    upstream.answer = failing(0)
    mine = client.keyed("run-7/pay")
    await asyncio.gather(mine.order(), client.order())
    await mine.order()
    keys = [one.header("idempotency-key") for one in upstream.received]
    assert keys.count(["run-7/pay"]) == 2
    await client.keyed("a\r\nX-Evil: 1").order()
    assert not upstream.received[-1].header("x-evil")
    assert len(upstream.received[-1].header("idempotency-key")[0]) == 36


async def test_retry_after_is_waited_for(client: Any, upstream: Upstream):
    upstream.answer = failing(1, response(b"{}", "503 Busy", "Retry-After: 1"))
    begun = asyncio.get_running_loop().time()
    assert await client.call("look", {}) == {"ok": True}
    assert asyncio.get_running_loop().time() - begun >= 1


async def test_a_wait_beyond_the_calls_time_is_left_to_the_caller(package: Built, client: Any, upstream: Upstream):
    upstream.answer = fixed("{}", "429 Too Many Requests", "Retry-After: 3600")
    error = await told(package, client.look())
    assert (error.code, error.retry_after, len(upstream.received)) == ("rate_limited", 3600, 1)


async def test_an_upstream_that_fails_is_spared_most_retries_and_gets_them_again_when_it_is_well(
    package: Built, client: Any, upstream: Upstream
):
    upstream.answer = fixed("{}", "503 Busy")
    for _ in range(40):
        await told(package, client.look())
    assert 40 < len(upstream.received) <= 60
    upstream.reset()
    upstream.answer = failing(0)
    for _ in range(150):
        await client.look()
    upstream.reset()
    upstream.answer = failing(1)
    assert await client.call("look", {}) == {"ok": True}


async def test_every_attempt_is_in_the_log_without_arguments(client: Any, upstream: Upstream, caplog):
    upstream.answer = failing(2)
    await client.look()
    assert [one.getMessage().partition(";")[0] for one in caplog.records] == [
        f"GET /look: attempt {number} failed (upstream_failed 503)" for number in (1, 2)
    ]


# --- circuit breaker -------------------------------------------------------------------------------------------------


async def test_a_failing_upstream_is_left_alone_then_probed_by_one_call(package: Built, upstream: Upstream):
    errors = package.load("errors")
    async with connected(package, upstream, "on", SHOP_ATTEMPTS="1") as client:
        upstream.answer = fixed("{}", "500 Oops")
        for _ in range(4):
            await told(package, client.pay())
        error = await told(package, client.look())
        assert isinstance(error, errors.Suspended)
        assert error.retry_after > 0
        assert len(upstream.received) == 4

        release = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def slow(_: Received, peer: Peer) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(release.wait(), loop))
            await peer.send(OK)

        upstream.answer = slow
        await asyncio.sleep(1.05)  # the time that the catalog gives the upstream
        probe = asyncio.create_task(client.call("look", {}))
        await eventually(lambda: len(upstream.received) == 5)
        assert isinstance(await told(package, client.look()), errors.Suspended)
        assert len(upstream.received) == 5
        release.set()
        assert await probe == {"ok": True}
        assert await client.call("look", {}) == {"ok": True}


async def test_a_probe_that_fails_or_is_given_up_suspends_again_and_is_no_dead_end(package: Built, upstream: Upstream):
    errors = package.load("errors")
    async with connected(package, upstream, "on", SHOP_ATTEMPTS="1") as client:
        upstream.answer = fixed("{}", "500 Oops")
        for _ in range(4):
            await told(package, client.look())
        await asyncio.sleep(1.05)  # the time that the catalog gives the upstream
        assert isinstance(await told(package, client.look()), errors.UpstreamFailed)
        assert isinstance(await told(package, client.look()), errors.Suspended)

        async def never(_: Received, peer: Peer) -> None:
            await peer.until_gone()

        await asyncio.sleep(1.05)  # the same
        upstream.answer = never
        probe = asyncio.create_task(client.look())
        await eventually(lambda: len(upstream.received) == 6)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        upstream.answer = failing(0)

        async def is_well() -> bool:
            try:
                await client.look()
            except errors.Suspended:
                return False
            return True

        for _ in range(200):
            if await is_well():
                return
            await asyncio.sleep(0.02)  # until the condition holds
        pytest.fail("it stays suspended")


async def test_refusals_of_a_healthy_upstream_suspend_nothing(package: Built, upstream: Upstream):
    async with connected(package, upstream, "on") as client:
        for status in ("400 Bad", "401 No", "404 None", "409 Again"):
            upstream.answer = fixed("{}", status)
            for _ in range(4):
                await told(package, client.look())
        upstream.answer = failing(0)
        assert await client.call("look", {}) == {"ok": True}


async def test_calls_that_run_out_of_time_count_as_failures(package: Built, upstream: Upstream):
    async def never(_: Received, peer: Peer) -> None:
        await peer.until_gone()

    upstream.answer = never
    async with connected(package, upstream, "on", SHOP_TIMEOUT="0.1") as client:
        codes = [(await told(package, client.pay())).code for _ in range(5)]
    assert codes == ["timed_out"] * 4 + ["suspended"]


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_calls_beyond_the_limits_wait_and_beyond_the_queue_are_told_so(
    package: Built, client: Any, upstream: Upstream
):
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slow(_: Received, peer: Peer) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(release.wait(), loop))
        await peer.send(OK)

    upstream.answer = slow
    calls = [asyncio.create_task(client.call("pay", {})) for _ in range(3)]
    await eventually(lambda: len(upstream.received) == 2)
    error = await told(package, client.pay())
    assert isinstance(error, package.load("errors").Busy)
    assert "2 calls are under way and 1 wait" in str(error)
    assert error.retryable
    assert len(upstream.received) == 2
    release.set()
    assert await asyncio.gather(*calls) == [{"ok": True}] * 3
    assert await client.call("pay", {}) == {"ok": True}


async def test_the_catalog_bounds_answers(package: Built, client: Any, upstream: Upstream):
    upstream.answer = fixed(json.dumps({"a": "x" * 1_900}))
    assert await client.call("look", {}) == {"a": "x" * 1_900}
    upstream.answer = fixed(json.dumps({"a": "x" * 2_000}))
    error = await told(package, client.look())
    assert (error.code, "larger than 2 kB" in str(error)) == ("answer_too_large", True)


# --- the catalog -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"retry": {}}, "this API may not be called twice, so no call is ever retried"),
        ({"retry": {"attempts": 0}}, "attempts"),
        ({"retry": {"initialSeconds": 9, "maxSeconds": 1}}, "initialSeconds is more than maxSeconds"),
        ({"retry": {"statuses": [200]}}, "statuses"),
        ({"retry": {"attempt": 3}}, "did you mean 'attempts'?"),
        ({"idempotencyKey": "a b"}, "idempotencyKey"),
        (
            {"idempotencyKey": "X-Key", "inputs": [{"name": "x-key", "in": "header", "type": "string"}]},
            "the input 'x-key' is the same header",
        ),
    ],
)
def test_a_policy_that_cannot_work_is_refused(tmp_path, changed: dict[str, Any], said: str):
    file = tmp_path / "c.json"
    api = {"name": "a", "httpMethod": "POST", "endpoint": "/a", "outputs": [], **changed}
    file.write_text(json.dumps({"name": "c", "gateways": {"g": {"baseUrl": "https://x.example.com"}}, "apis": [api]}))
    result = codegen("validate", file)
    assert result.exit_code == 1
    assert said in result.stdout + result.stderr
