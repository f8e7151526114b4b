"""The stand-in answers in pages where the catalog says that the API does: end to end, with the generated client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mcp_codegen import pipeline
from tests.generated import Built, build
from tests.standin.conftest import served

CATALOG = Path(__file__).parents[1] / "cases" / "pages" / "api_catalog.json"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    built = build(json.loads(CATALOG.read_text("utf-8")), tmp_path_factory.mktemp("pages"))
    with built.importable():
        yield built


@pytest.fixture(scope="module")
def stand_in() -> Iterator[httpx.Client]:
    with served(pipeline.load(CATALOG).catalog) as client:
        yield client


@pytest.fixture
async def client(pages: Built, stand_in: httpx.Client) -> Any:
    url = str(stand_in.base_url).rstrip("/")
    async with pages.load("client").PagesClient.in_process({"BILLS_URL": url, "FORGE_URL": url}) as client:
        yield client


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "size", "arguments"),
    [
        ("iter_list_bills", "limit", {"customer": "a"}),
        ("iter_search_bills", "page_size", {}),
        ("iter_list_events", "first", {}),
        ("iter_list_issues_", "per_page", {"repo": "a/b", "labels": ["x", "y z"]}),
    ],
)
async def test_a_list_is_the_same_however_it_is_cut(client: Any, method: str, size: str, arguments: dict[str, Any]):
    """Over three pages and more, over one, and over pages that end just with the list."""
    found = [[item async for item in getattr(client, method)(**arguments, **{size: most})] for most in (4, 10, 50, 1)]
    assert 21 <= len(found[0]) <= 29
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0] != [item async for item in getattr(client, method)(**arguments, **{size: 4}, max_items=20)]


@pytest.mark.anyio
async def test_links_in_the_answer_and_lists_of_anything_work_as_well(client: Any):
    assert 21 <= len([item async for item in client.iter_list_anything()]) <= 29


def test_other_inputs_give_another_list_and_none_of_the_pages_changes_it(stand_in: httpx.Client):
    first = stand_in.get("/bills", params={"customer": "a", "offset": "0", "limit": "3"})
    again = stand_in.get("/bills", params={"customer": "a", "offset": "0", "limit": "3"})
    wider = stand_in.get("/bills", params={"customer": "a", "offset": "1", "limit": "2"})
    other = stand_in.get("/bills", params={"customer": "b", "offset": "0", "limit": "3"})
    assert first.json() == again.json()
    assert first.json()[1:] == wider.json()
    assert first.json() != other.json()
    assert first.headers["x-total-count"] == wider.headers["x-total-count"]


def test_beyond_its_end_a_list_is_empty(stand_in: httpx.Client):
    beyond = stand_in.get("/bills", params={"customer": "a", "offset": "1000"})
    assert (beyond.status_code, beyond.json()) == (200, [])


def test_a_link_leads_to_the_next_page_and_the_last_one_has_none(stand_in: httpx.Client):
    pages = [stand_in.get("/api/repos/a/issues", params={"state": "open & shut", "per_page": "9"})]
    while following := pages[-1].links.get("next"):
        pages.append(stand_in.get(following["url"]))
    total = int(pages[0].headers["x-total-count"])
    assert [len(page.json()) for page in pages] == [9, 9, total - 18]
    assert pages[1].url.params["state"] == "open & shut"


def test_a_cursor_that_no_answer_gave_is_refused(catalog_of: Any):
    listing = {
        "endpoint": "/events",
        "pagination": {"type": "cursor", "next": "X-Next"},
        "inputs": [{"name": "cursor", "type": "string", "required": False}],
        "outputs": [{"name": "events", "type": "array", "items": {"type": "string"}}],
    }
    with served(catalog_of(listing)) as client:
        first = client.get("/events")
        second = client.get("/events", params={"cursor": first.headers["x-next"]})
        refused = client.get("/events", params={"cursor": "made up"})
    assert len(first.json()["events"]) == len(second.json()["events"]) == 10
    assert refused.status_code == 400
    assert "cursor" in refused.json()["inputs"]


def test_an_example_holds_the_whole_list_unless_it_chooses_a_page(catalog_of: Any):
    numbers = [{"n": number} for number in range(7)]
    listing = {
        "endpoint": "/numbers",
        "pagination": {"type": "offset"},
        "inputs": [
            {"name": "offset", "type": "int", "required": False},
            {"name": "limit", "type": "int", "required": False},
        ],
        "outputs": [
            {"name": "numbers", "type": "array", "items": {"type": "object", "fields": [{"name": "n", "type": "int"}]}}
        ],
        "examples": [
            {"output": {"numbers": numbers, "more": "kept"}},
            {"inputs": {"offset": 100}, "output": {"numbers": []}},
        ],
    }
    with served(catalog_of(listing)) as client:
        page = client.get("/numbers", params={"offset": "2", "limit": "3"})
        chosen = client.get("/numbers", params={"offset": "100"})
    assert page.json() == {"numbers": numbers[2:5], "more": "kept"}
    assert page.headers["x-total-count"] == "7"
    assert chosen.json() == {"numbers": []}
