"""Values of every kind in every place: good ones arrive as they were written, bad ones are refused by name."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from mcp import Client

from tests.generated import Built, build
from tests.runtime.upstream import Upstream, answering_json

pytestmark = pytest.mark.anyio

LINE = {
    "name": "lines",
    "type": "array",
    "items": {"type": "object", "fields": [{"name": "count", "type": "int", "maximum": 9, "required": True}]},
}
FIELDS: list[dict[str, Any]] = [
    {"name": "number", "type": "int", "in": "path", "minimum": 1},
    {"name": "size", "type": "int", "in": "query", "maximum": 100, "required": False},
    {"name": "X-Mode", "type": "string", "in": "header", "enum": ["fast", "slow"], "required": False},
    {"name": "sid", "type": "string", "in": "cookie", "maxLength": 5, "required": False},
    {"name": "amount", "type": "decimal", "multipleOf": 0.01, "required": False},
    {"name": "amounts", "type": "array", "items": {"type": "decimal"}, "required": False},
    {"name": "since", "type": "datetime", "required": False},
    {"name": "days", "type": "array", "items": {"type": "date"}, "in": "query", "required": False},
    {**LINE, "required": False},
]
PAID = {"type": "object", "required": ["paid"], "properties": {"paid": {"type": "number"}, "on": {"type": "string"}}}
EITHER = {
    "oneOf": [
        {"title": "ByKey", "type": "object", "required": ["key"], "properties": {"key": {"type": "string"}}},
        {"title": "ByUser", "type": "object", "required": ["user"], "properties": {"user": {"type": "string"}}},
    ]
}
CATALOG = {
    "name": "values",
    "gateways": {"main": {"baseUrl": "${VALUES_URL}"}},
    "apis": [
        {"name": "order", "httpMethod": "POST", "endpoint": "/orders/{number}", "inputs": FIELDS, "output": PAID},
        {
            "name": "either",
            "httpMethod": "POST",
            "endpoint": "/either",
            "contentType": "form",
            "body": {"schema": EITHER, "required": False},
        },
    ],
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with build(CATALOG, tmp_path_factory.mktemp("values")).importable() as built:
        yield built


@pytest.fixture
async def client(package: Built, upstream: Upstream) -> AsyncIterator[Any]:
    upstream.answer = answering_json({"paid": 1})
    async with package.load("client").ValuesClient.in_process({"VALUES_URL": upstream.url}) as client:
        yield client


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "wrong type in the path": ({"number": "1"}, "number"),
    "missing from the path": ({}, "number"),
    "out of range in the path": ({"number": 0}, "number"),
    "wrong type in the query": ({"number": 1, "size": "9"}, "size"),
    "out of range in the query": ({"number": 1, "size": 101}, "size"),
    "no date in the query": ({"number": 1, "days": ["2025-13-01"]}, "days.0"),
    "not in the header's enum": ({"number": 1, "X-Mode": "none"}, "X-Mode"),
    "wrong type in the header": ({"number": 1, "X-Mode": 7}, "X-Mode"),
    "too long for the cookie": ({"number": 1, "sid": "123456"}, "sid"),
    "text for a decimal": ({"number": 1, "amount": "1.5"}, "amount"),
    "part of a step": ({"number": 1, "amount": 1.005}, "amount"),
    "out of range within the body": ({"number": 1, "lines": [{"count": 1}, {"count": 10}]}, "lines.1.count"),
    "missing within the body": ({"number": 1, "lines": [{}]}, "lines.0.count"),
    "unknown within the body": ({"number": 1, "lines": [{"count": 1, "colour": "red"}]}, "lines.0.colour"),
    "unknown": ({"number": 1, "colour": "red"}, "colour"),
}


@pytest.mark.parametrize(("arguments", "named"), BAD.values(), ids=BAD)
async def test_bad_arguments_are_refused_by_name_and_nothing_is_sent(
    package: Built, upstream: Upstream, arguments, named
):
    async with Client(package.load("server").create_server({"VALUES_URL": upstream.url})) as client:
        result = await client.call_tool("order", arguments)
    assert result.is_error
    error = json.loads(result.content[0].text)["error"]
    assert error["code"] == "invalid_arguments"
    assert f"{named}: " in error["message"]
    assert upstream.received == []


async def test_decimals_arrive_as_numbers_wherever_they_stand(client: Any, upstream: Upstream):
    await client.order(number=1, amount=Decimal("9.29"), amounts=[Decimal("0.1"), Decimal(3)])
    assert json.loads(upstream.received[0].body) == {"amount": 9.29, "amounts": [0.1, 3]}
    upstream.received.clear()
    await client.call("order", {"number": 1, "amount": -8.57, "amounts": [1, 0.25]})
    assert json.loads(upstream.received[0].body) == {"amount": -8.57, "amounts": [1, 0.25]}


@pytest.mark.parametrize(
    "moment", ["2025-01-02T03:04:05.678+02:00", "2025-12-31T23:59:59Z", "2025-01-02T03:04:05-03:00"]
)
async def test_points_in_time_arrive_as_they_were_written(client: Any, upstream: Upstream, moment: str):
    await client.call("order", {"number": 1, "since": moment, "days": ["2025-01-02"]})
    assert json.loads(upstream.received[0].body) == {"since": moment}
    assert upstream.received[0].query == [("days", "2025-01-02")]


async def test_points_in_time_of_python_arrive_in_iso(client: Any, upstream: Upstream):
    await client.order(number=1, since=dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC), days=[dt.date(2025, 1, 2)])
    assert dt.datetime.fromisoformat(json.loads(upstream.received[0].body)["since"]).timestamp() == 1735787045
    assert upstream.received[0].query == [("days", "2025-01-02")]


async def test_a_form_may_be_one_of_several_or_nothing(client: Any, upstream: Upstream):
    await client.call("either", {"body": {"user": "a b&c"}})
    await client.call("either", {})
    sent, nothing = upstream.received
    assert (sent.header("content-type"), sent.body) == (["application/x-www-form-urlencoded"], b"user=a%20b%26c")
    assert (nothing.header("content-type"), nothing.body) == ([], b"")


@pytest.mark.parametrize("drifted", [{"paid": "1"}, {"on": 5}, [], {"paid": None, "more": {"a": [1]}}])
async def test_an_answer_that_drifts_reaches_the_official_client_whole(
    package: Built, upstream: Upstream, drifted: Any
):
    upstream.answer = answering_json(drifted)
    async with Client(package.load("server").create_server({"VALUES_URL": upstream.url})) as client:
        result = await client.call_tool("order", {"number": 1})
    assert json.loads(result.content[0].text)["error"]["data"] == drifted


async def test_what_nobody_described_reaches_both_clients(client: Any, package: Built, upstream: Upstream):
    answer = {"paid": 1.5, "on": None, "more": {"ñ": [1, None, {"x": "y"}]}}
    upstream.answer = answering_json(answer)
    assert json.loads((await client.order(number=1)).model_dump_json(by_alias=True)) == answer
    async with Client(package.load("server").create_server({"VALUES_URL": upstream.url})) as official:
        assert (await official.call_tool("order", {"number": 1})).structured_content == answer
