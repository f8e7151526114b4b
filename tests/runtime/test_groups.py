"""The client of a catalog whose tools are in several groups: one class, many modules, types when they are needed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from tests.generated import Built, build
from tests.runtime.upstream import Peer, Received, Upstream, response

pytestmark = pytest.mark.anyio

SHOP: Mapping[str, Any] = {
    "name": "shop",
    "gateways": {"main": {"baseUrl": "${SHOP_URL}"}},
    "schemas": {
        "Order": {"type": "object", "properties": {"id": {"type": "string"}, "size": {"$ref": "#/schemas/Size"}}},
        "Size": {"type": "object", "properties": {"width": {"type": "integer"}}},
        "Engine": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    },
    "apis": [
        {
            "name": "list orders",
            "tags": ["orders"],
            "httpMethod": "GET",
            "endpoint": "/orders",
            "inputs": [{"name": "page", "type": "integer", "in": "query", "required": False}],
            "output": {"type": "array", "items": {"$ref": "#/schemas/Order"}},
            "pagination": {"type": "page", "page": "page"},
        },
        {
            "name": "models",
            "tags": ["models"],
            "httpMethod": "GET",
            "endpoint": "/models",
            "inputs": [{"name": "models", "type": "string", "in": "query"}],
            "output": {"$ref": "#/schemas/Engine"},
        },
        {
            "name": "size",
            "httpMethod": "POST",
            "endpoint": "/size",
            "inputs": [{"name": "s", "$ref": "#/schemas/Size"}],
        },
    ],
}
USES = """
from collections.abc import AsyncIterator
from typing import Any, assert_type

from shop_mcp import models
from shop_mcp.calls.orders import OrdersCalls
from shop_mcp.client import ShopClient, call_list_orders, call_models
from shop_mcp.models.shop import SizeInput
from shop_mcp.models.models import Engine
from shop_mcp.models.orders import Order


async def uses(client: ShopClient) -> None:
    assert_type(await client.list_orders(page=1), list[Order])
    assert_type(client.iter_list_orders(), AsyncIterator[Order])
    assert_type(await client.models(models="a"), Engine)
    assert_type(models.models.Engine(name="a"), Engine)
    assert_type(await call_list_orders(page=1), dict[str, Any])
    assert_type(await call_models("a"), dict[str, Any])
    await client.size(s=SizeInput(width=1))
    await client.size(s=Order())  # type: ignore[arg-type]
    async with OrdersCalls.in_process() as orders:
        assert_type(await orders.list_orders(), list[Order])
        await orders.models(models="a")  # type: ignore[attr-defined]
    models.nothing  # type: ignore[attr-defined]
"""
IMPORTED = """
import sys
import shop_mcp.client
print(sorted(name for name in sys.modules if name.startswith("shop_mcp.models.")))
shop_mcp.models.orders.Order
print(sorted(name for name in sys.modules if name.startswith("shop_mcp.models.")))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with build(SHOP, tmp_path_factory.mktemp("shop")).importable() as built:
        yield built


@pytest.fixture
def environ(upstream: Upstream) -> dict[str, str]:
    answers = {"/orders": [{"id": "1", "size": {"width": 3}}], "/models": {"name": "a"}, "/size": {}}

    async def answer(request: Received, peer: Peer) -> None:
        found = [] if request.query == [("page", "2")] else answers[request.path]
        await peer.send(response(json.dumps(found).encode()))

    upstream.answer = answer
    return {"SHOP_URL": upstream.url}


async def test_one_client_has_the_methods_of_all_groups(shop: Built, environ: Mapping[str, str]):
    async with shop.load("client").ShopClient.in_process(environ) as client:
        (order,) = await client.list_orders()
        assert type(order) is shop.load("models.orders").Order
        assert [one.size.width async for one in client.iter_list_orders()] == [3]
        assert (await client.models(models="a")).name == "a"
        assert await client.call("size", {"s": {"width": 1}}) == {}


async def test_a_group_is_a_client_by_itself(shop: Built, environ: Mapping[str, str]):
    async with shop.load("calls.models").ModelsCalls.in_process(environ) as client:
        assert (await client.models(models="a")).name == "a"
        assert not hasattr(client, "list_orders")


async def test_functions_for_one_call_are_the_clients_too(
    shop: Built, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_URL", environ["SHOP_URL"])
    assert await shop.load("client").call_models("a") == {"name": "a"}
    assert shop.load("client").call_models is shop.load("calls.models").call_models


def test_types_are_imported_when_something_names_them(shop: Built):
    command = [sys.executable, "-P", "-c", IMPORTED]
    paths = {"PYTHONPATH": ":".join([str(shop.folder), *sys.path])}
    said = subprocess.run(  # noqa: S603 - this interpreter
        command, env=paths, capture_output=True, text=True, check=True
    )
    before, after = said.stdout.splitlines()
    assert before == "[]"
    assert after == "['shop_mcp.models.orders']"


def test_signatures_can_be_read_at_run_time(shop: Built):
    client, models = shop.load("client").ShopClient, shop.load("models")
    assert get_type_hints(client.models) == {"models": str, "return": models.models.Engine}
    with pytest.raises(AttributeError, match=r"module 'shop_mcp.models' has no attribute 'nothing'"):
        _ = models.nothing


def test_a_type_checker_sees_every_type(
    shop: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mypy: Callable[..., str]
):
    uses = tmp_path / "uses.py"
    uses.write_text(USES, "utf-8")
    monkeypatch.setenv("MYPYPATH", str(shop.folder))
    assert mypy(uses) == ""
