"""Importing into the same catalog again: the description's changes come in, a person's edits stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.importers.importing import api, imported, run, written


def described(**paths: Any) -> dict[str, Any]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {f"/{name}": {"get": {"operationId": f"list_{name}", **node}} for name, node in paths.items()},
        "components": {"schemas": {"Item": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    }


def listing(description: str = "All of them", **limit: Any) -> dict[str, Any]:
    schema = {"type": "integer", **limit}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}
    return {
        "description": description,
        "parameters": [{"name": "limit", "in": "query", "description": "How many", "schema": schema}],
        "responses": {"200": {"description": "Good", "content": content}},
    }


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "shop" / "api_catalog.json"


def first(out: Path, description: dict[str, Any], *options: object) -> dict[str, Any]:
    return imported(written(out.parent / "spec.json", description), out, *options)


def edited(out: Path, change: Any) -> None:
    data = json.loads(out.read_text("utf-8"))
    change(data)
    written(out, data)


def test_edits_of_an_api_survive_and_changes_of_the_description_come_in(out: Path):
    first(out, described(items=listing()))

    def edit(data: dict[str, Any]) -> None:
        one = data["apis"][0]
        one |= {"name": "everything", "active": False, "timeoutSeconds": 5, "description": "Mine", "readOnly": True}
        one["inputs"][0]["description"] = "My words"
        data["gateways"]["shop"]["timeoutSeconds"] = 7
        data["title"] = "My shop"

    edited(out, edit)
    again = first(out, described(items=listing(maximum=50) | {"summary": "New title", "deprecated": True}))
    (one,) = again["apis"]
    assert one["name"] == "everything"
    assert (one["active"], one["timeoutSeconds"], one["description"], one["readOnly"]) == (False, 5, "Mine", True)
    assert (one["title"], one["deprecated"]) == ("New title", True)
    assert one["inputs"] == [
        {"name": "limit", "in": "query", "required": False, "description": "My words", "type": "integer", "maximum": 50}
    ]
    assert again["gateways"]["shop"]["timeoutSeconds"] == 7
    assert again["title"] == "My shop"


def test_an_edit_that_meets_a_change_is_kept_and_told(out: Path, tmp_path: Path):
    first(out, described(items=listing()))
    edited(out, lambda data: data["apis"][0].update(description="Mine"))
    report = tmp_path / "report.json"
    again = first(out, described(items=listing("Theirs, changed")), "--report", report)
    assert again["apis"][0]["description"] == "Mine"
    assert json.loads(report.read_text())["kept"] == [
        "list_items: description: edited here, and changed in the description"
    ]
    assert first(out, described(items=listing("Theirs, changed")))["apis"][0]["description"] == "Mine"


def test_what_a_person_removed_stays_removed_and_what_they_added_stays(out: Path):
    first(out, described(items=listing()))

    def edit(data: dict[str, Any]) -> None:
        data["apis"][0]["inputs"] = [{"name": "tenant", "in": "header", "type": "string"}]
        data["apis"].append({"name": "own", "httpMethod": "GET", "endpoint": "/own", "gateway": "shop"})
        data["schemas"]["Own"] = {"type": "string"}

    edited(out, edit)
    again = first(out, described(items=listing(maximum=9)))
    assert [one["name"] for one in api(again, "list_items")["inputs"]] == ["tenant"]
    assert api(again, "own")["endpoint"] == "/own"
    assert again["schemas"]["Own"] == {"type": "string"}


def paged() -> dict[str, Any]:
    inputs = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in ("offset", "limit")]
    answer = {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}
    content = {"application/json": {"schema": answer}}
    return {"parameters": inputs, "responses": {"200": {"description": "Good", "content": content}}}


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: one.pop("pagination"),
        lambda one: one.update(pagination="none"),
        lambda one: one.update(pagination={"type": "offset", "total": "X-All"}),
    ],
)
def test_a_policy_of_pages_that_was_edited_stays_as_it_was_left(out: Path, edit: Any):
    assert first(out, described(items=paged()))["apis"][0]["pagination"] == {"type": "offset"}
    edited(out, lambda data: edit(data["apis"][0]))
    left = json.loads(out.read_text("utf-8"))["apis"][0].get("pagination")
    assert first(out, described(items=paged()))["apis"][0].get("pagination") == left


def test_a_policy_of_pages_goes_with_the_inputs_that_it_needs(out: Path):
    first(out, described(items=paged()))
    edited(out, lambda data: data["apis"][0].update(inputs=[]))
    assert "pagination" not in first(out, described(items=paged()))["apis"][0]


def test_new_operations_come_inactive_unless_asked_otherwise(out: Path):
    first(out, described(items=listing()))
    again = first(out, described(items=listing(), orders=listing()))
    assert [(one["name"], one["active"]) for one in again["apis"]] == [("list_items", True), ("list_orders", False)]
    more = first(out, described(items=listing(), orders=listing(), bills=listing()), "--new", "active")
    assert [one["active"] for one in more["apis"]] == [True, False, True]


def test_vanished_operations_are_marked_and_come_back(out: Path):
    first(out, described(items=listing(), orders=listing()))
    result = run(written(out.parent / "spec.json", described(items=listing())), "--out", out)
    assert "1 vanished" in result.stderr
    gone = api(json.loads(out.read_text()), "list_orders")
    assert (gone["active"], gone["x-vanished"]) == (False, True)
    assert "Item" in json.loads(out.read_text())["schemas"]
    back = api(first(out, described(items=listing(), orders=listing()), "--new", "active"), "list_orders")
    assert (back["active"], "x-vanished" in back) == (True, False)


def test_operations_that_are_not_selected_this_time_stay_as_they_are(out: Path):
    before = first(out, described(items=listing(), orders=listing()))
    again = first(out, described(items=listing(), orders=listing()), "--select", "name:list_items")
    assert again["apis"] == before["apis"]


def test_a_new_operation_never_takes_a_name_that_a_person_gave(out: Path):
    first(out, described(items=listing()))
    edited(out, lambda data: data["apis"][0].update(name="list_orders"))
    again = first(out, described(items=listing(), orders=listing()))
    assert [one["name"] for one in again["apis"]] == ["list_orders", "get_orders"]


def test_gateways_and_the_preset_of_the_first_import_are_remembered(out: Path, tmp_path: Path):
    gateways = {"gateways": {"apim": {"baseUrl": "${APIM_BASE_URL}/shop", "auth": {"type": "bearer", "env": "TOKEN"}}}}
    first(out, described(items=listing()), "--gateway", written(tmp_path / "gateways.json", gateways))
    again = first(out, described(items=listing(), orders=listing()))
    assert again["gateways"] == gateways["gateways"]
    assert {one["gateway"] for one in again["apis"]} == {"apim"}


def test_an_edited_schema_stays_and_an_untouched_one_follows_the_description(out: Path):
    description = described(items=listing())
    first(out, description)
    description["components"]["schemas"]["Item"]["properties"]["b"] = {"type": "integer"}
    assert set(first(out, description)["schemas"]["Item"]["properties"]) == {"a", "b"}
    edited(out, lambda data: data["schemas"]["Item"]["properties"].update(c={"type": "boolean"}))
    description["components"]["schemas"]["Item"]["properties"]["d"] = {"type": "integer"}
    assert set(first(out, description)["schemas"]["Item"]["properties"]) == {"a", "b", "c"}


def test_another_description_is_refused(out: Path, tmp_path: Path):
    first(out, described(items=listing()))
    before = out.read_bytes()
    result = run(written(tmp_path / "other.json", described(planets=listing())), "--out", out)
    assert result.exit_code == 1
    assert "another description" in result.stderr
    assert out.read_bytes() == before


@pytest.mark.parametrize("path", ["/v2/items/{id}", "/items/{item}"], ids=["another prefix", "another placeholder"])
def test_an_operation_that_moved_keeps_its_edits(out: Path, path: str):
    def at(where: str) -> dict[str, Any]:
        name = where.rpartition("{")[2].removesuffix("}")
        parameter = {"name": name, "in": "path", "required": True, "description": "Which", "schema": {"type": "string"}}
        node = {"operationId": "getItem", "parameters": [parameter], "responses": {"204": {"description": "Done"}}}
        return {**described(), "paths": {where: {"get": node}}}

    first(out, at("/items/{id}"))
    edited(out, lambda data: data["apis"][0].update(name="look_up", description="Mine"))
    edited(out, lambda data: data["apis"][0]["inputs"][0].update(description="My words"))
    again = first(out, at(path))
    assert [(one["name"], one["endpoint"], one["description"]) for one in again["apis"]] == [("look_up", path, "Mine")]
    assert [one["name"] for one in again["apis"][0]["inputs"]] == [path.rpartition("{")[2].removesuffix("}")]
    assert again["apis"][0]["active"]
