"""Misbehaviour on demand."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from mcp_codegen.errors import SettingsError
from mcp_codegen.standin import Behaviour, Fault, StandIn, parse_fault
from tests.standin.conftest import DEBT, KEY, LIST, MIGUEL, TOKEN, served

BODY = {"customerIdentification": "1", "type": "RUT", "document": "1"}


def statuses(catalog, *faults: Fault, seed: int = 0, calls: int = 200) -> list[int]:
    with served(catalog, Behaviour(faults=faults, seed=seed)) as client:
        return [client.post(DEBT, json=BODY, headers=TOKEN).status_code for _ in range(calls)]


def test_a_share_of_the_calls_fails_and_the_same_ones_each_time(telefonica):
    fault = Fault("deuda_fija", 503, 0.2)
    first = statuses(telefonica, fault)
    assert set(first) == {200, 503}
    assert 20 <= first.count(503) <= 60
    assert statuses(telefonica, fault) == first
    assert statuses(telefonica, fault, seed=1) != first


def test_a_retry_can_succeed_and_other_apis_are_left_alone(telefonica):
    with served(telefonica, Behaviour(faults=(Fault("deuda_fija", 500, 0.5),))) as client:
        tries = [client.post(DEBT, json=BODY, headers=TOKEN).status_code for _ in range(20)]
        assert 200 in tries[tries.index(500) :]
        assert {client.post(LIST, json=MIGUEL, headers=KEY).status_code for _ in range(20)} == {200}


def test_rates_of_several_faults_of_an_api_add_up(telefonica):
    found = statuses(telefonica, Fault("deuda_fija", 503, 0.5), Fault("deuda_fija", 429, 0.5), calls=60)
    assert set(found) == {503, 429}


def test_a_rate_of_nothing_never_fails(telefonica):
    assert set(statuses(telefonica, Fault("deuda_fija", 503, 0.0), calls=30)) == {200}


def test_a_fault_is_json_and_too_many_requests_says_when_to_come_back(telefonica):
    with served(telefonica, Behaviour(faults=(Fault("deuda_fija", 429),))) as client:
        response = client.post(DEBT, json=BODY, headers=TOKEN)
        assert response.headers["retry-after"] == "1"
        assert response.json()["error"] == "Too Many Requests"
        assert client.post(DEBT, json=BODY).status_code == 401
        assert client.post(DEBT, json={}, headers=TOKEN).status_code == 400


def test_the_catalogs_own_words_for_a_failure_are_used(catalog_of):
    errors = [{"status": 503, "example": {"fault": "maintenance"}}]
    catalog = catalog_of({"endpoint": "/a", "errors": errors})
    with served(catalog, Behaviour(faults=(Fault("api_0", 503, 1),))) as client:
        response = client.get("/a")
        assert (response.status_code, response.json()) == (503, {"fault": "maintenance"})


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_latency_delays_each_answer_and_blocks_none(telefonica):
    transport = httpx.ASGITransport(StandIn(telefonica, Behaviour(latency=0.2), {}))
    async with httpx.AsyncClient(transport=transport, base_url="http://stand-in") as client:
        start = time.monotonic()
        answers = await asyncio.gather(*(client.get("/nowhere") for _ in range(50)))
        assert 0.2 <= time.monotonic() - start < 5
        assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("deuda_fija=503:0.2", Fault("deuda_fija", 503, 0.2)),
        ("deuda_fija=429", Fault("deuda_fija", 429, 1.0)),
        ("deuda_fija=500:0", Fault("deuda_fija", 500, 0.0)),
        ("a=b:c=404:1", Fault("a=b:c", 404, 1.0)),
    ],
)
def test_a_fault_is_written_api_status_rate(text, fault):
    assert parse_fault(text, ["deuda_fija", "a=b:c"]) == fault


FORM = "write API=STATUS or API=STATUS:RATE, such as deuda_fija=503:0.2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deuda_fija", f"'deuda_fija' is not a fault; {FORM}"),
        ("", f"'' is not a fault; {FORM}"),
        ("deuda_fjia=503", "'deuda_fjia=503': there is no active API 'deuda_fjia'; did you mean 'deuda_fija'?"),
        ("\x1b[2J=503", "'\\x1b[2J=503': there is no active API '\\x1b[2J'; use one of 'deuda_fija', 'other'"),
        ("deuda_fija=200", f"'deuda_fija=200': '200' is not a status from 400 to 599; {FORM}"),
        ("deuda_fija=", f"'deuda_fija=': '' is not a status from 400 to 599; {FORM}"),
        ("deuda_fija=½", f"'deuda_fija=½': '½' is not a status from 400 to 599; {FORM}"),
        ("deuda_fija=503:", f"'deuda_fija=503:': '' is not a rate from 0 to 1; {FORM}"),
        ("deuda_fija=503:20%", f"'deuda_fija=503:20%': '20%' is not a rate from 0 to 1; {FORM}"),
        ("deuda_fija=503:1.5", f"'deuda_fija=503:1.5': '1.5' is not a rate from 0 to 1; {FORM}"),
        ("deuda_fija=503:nan", f"'deuda_fija=503:nan': 'nan' is not a rate from 0 to 1; {FORM}"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_a_remedy(text, message):
    with pytest.raises(SettingsError) as caught:
        parse_fault(text, ["deuda_fija", "other"])
    assert str(caught.value) == message
