"""Whatever a catalog holds, if it validates: its code compiles and type-checks, and its calls arrive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given, reject
from mcp import Client

from mcp_codegen import pipeline
from mcp_codegen.errors import CatalogError
from tests.catalogs import catalogs
from tests.corpus.calling import OfficialCaller, arguments_of, told, typed_client
from tests.corpus.descriptions import Body, Operation, Parameter
from tests.corpus.expected import ABSENT, Call, Credentials, differences
from tests.generated import Built, build, some
from tests.runtime.upstream import Upstream

Json = Any
EXAMPLES = 12
SETTINGS = ("KEY", "QUERY_KEY", "COOKIE_KEY", "TOKEN", "USER_NAME", "PASS_WORD")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    found = Upstream()
    found.start()
    yield found
    found.stop()


def test_any_catalog_becomes_a_package_that_does_what_it_says(
    tmp_path: Path, upstream: Upstream, mypy: Callable[..., str]
):
    folders: list[Path] = []

    @some(EXAMPLES)
    @given(catalogs())
    def check(catalog: dict[str, Json]) -> None:
        named = {"name": f"any{len(folders)}", **catalog}
        if not validates(named, tmp_path / "tried.json"):
            reject()
        with build(named, tmp_path).importable() as built:
            folders.append(built.folder)
            for module in built.modules:
                built.load(module)
            called(built, named, upstream)

    check()
    assert len(folders) >= EXAMPLES // 2
    assert mypy(*(folder / f"{folder.name}_mcp" for folder in folders)) == ""


def validates(catalog: dict[str, Json], file: Path) -> bool:
    file.write_text(json.dumps(catalog), "utf-8")
    try:
        pipeline.load(file)
    except CatalogError:
        return False
    return True


def called(built: Built, catalog: dict[str, Json], upstream: Upstream) -> None:
    """Every tool, by the official client and by the typed one."""
    environ = {name: f"s3cret.{name.lower()}-/+=" for name in SETTINGS} | {"BASE_URL": upstream.url}
    server = built.load("server").create_server(environ)
    tools = {about["api"]: tool for tool, about in built.metadata["tools"].items()}
    assert sorted(tools) == sorted(api["name"] for api in catalog["apis"])
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        listed = portal.call(client.list_tools).tools
        assert sorted(tool.name for tool in listed) == sorted(built.listing)
        caller = OfficialCaller(portal, client, upstream)
        for api in catalog["apis"]:
            tool, call, answer = tools[api["name"]], call_of(api, catalog), api["x-answer"]
            arguments = arguments_of(call, built.listing[tool], built.metadata["tools"][tool])
            result, received = caller.call(tool, arguments, answer)
            assert not result.is_error, f"{arguments}: {result.content[0].text}"
            (request,) = received
            credentials = Credentials(frozenset(environ.values()), {})
            assert not (found := differences(call, request, credentials)), found
            assert told(result) == answer
    with typed_client(built, environ) as typed:
        for api in catalog["apis"]:
            typed_call = call_of(api, catalog)
            caller.answer(api["x-answer"])
            assert typed.call(tools[api["name"]], typed_call) == api["x-answer"]


def call_of(api: dict[str, Json], catalog: dict[str, Json]) -> Call:
    """The call in OpenAPI's words, for the independent reading of what should arrive."""
    parameters = tuple(parameter(one) for one in api["inputs"] if one["in"] != "body")
    given = {(place, name): value for place, name, value in api["x-given"]}
    inside = {name: value for (place, name), value in given.items() if place == "body"}
    whole = "body" in api
    kinds = {"form": "application/x-www-form-urlencoded", "text": "text/plain", "binary": "application/octet-stream"}
    said = api.get("contentType", "application/json")
    has_body = whole or any(one["in"] == "body" for one in api["inputs"])
    body = Body(True, {kinds.get(said, said): {}}) if has_body else None
    operation = Operation(
        api["httpMethod"], api["endpoint"], api, parameters, body, {}, "/base", tuple(security(api, catalog))
    )
    sent = inside["body"] if whole else inside if has_body else ABSENT
    files = frozenset({""}) if said == "binary" else frozenset()
    return Call(operation, {key: value for key, value in given.items() if key[0] != "body"}, sent, files, whole)


def parameter(one: dict[str, Json]) -> Parameter:
    style = one.get("style", "form" if one["in"] in ("query", "cookie") else "simple")
    return Parameter(one["name"], one["in"], one["required"], one, style, one.get("explode", style == "form"))


def security(api: dict[str, Json], catalog: dict[str, Json]) -> Iterator[dict[str, Json]]:
    auths = api.get("auth", catalog["gateways"]["main"]["auth"])
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}, "basic": {"type": "http", "scheme": "basic"}}
    wanted = [one for one in (auths if isinstance(auths, list) else [auths]) if one != "none"]
    if wanted:
        yield {one.get("name", one["type"]): schemes.get(one["type"], one) for one in wanted}
