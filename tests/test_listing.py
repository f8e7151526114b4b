"""What hosts are told of a catalog: what the strictest of them accept, within a budget, and never less than fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mcp_codegen import checked, listing, names, parsing, pipeline
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.schema import json_schema
from mcp_codegen.trimming import ANSWER, ARGUMENTS, LONGEST_TEXT, TYPES_ALONE, Whole, shortened
from tests import hosts, meaning
from tests.generated import codegen

HERE = Path(__file__).parent
CATALOGS = sorted([*HERE.glob("cases/*/api_catalog.*"), *HERE.parent.glob("catalog/*/api_catalog.json")])


def whole(apis: list[dict[str, Any]], schemas: Mapping[str, Any] | None = None, **about: Any) -> CheckedCatalog:
    gateways = {"main": {"baseUrl": "https://api.example.com"}}
    parsed = parsing.parse({"name": "listed", "gateways": gateways, "schemas": schemas or {}, "apis": apis, **about})
    assert parsed.catalog is not None
    assert parsed.problems == ()
    return checked.read(parsed.catalog)


def api(name: str, **about: Any) -> dict[str, Any]:
    return {"name": name, "httpMethod": "POST", "endpoint": f"/{len(name)}", **about}


def listed(catalog: CheckedCatalog) -> dict[str, dict[str, Any]]:
    tools = listing.list_tools(catalog).tools
    assert hosts.refusals({"tools": tools}) == []
    return {tool["name"]: dict(tool) for tool in tools}


def expandable(count: int) -> dict[str, Any]:
    """Types that refer to each other all over, each either whole or as its identifier."""

    def member(index: int) -> dict[str, Any]:
        other = {"$ref": f"#/schemas/Type{index % count}"}
        return {"anyOf": [{"type": "string"}, other], "description": "An identifier, or what it identifies. " * 3}

    return {
        f"Type{index}": {
            "type": "object",
            "properties": {f"member_{step}": member(index * step + step) for step in range(1, 9)} | {"id": STRING},
            "required": ["id"],
        }
        for index in range(count)
    }


STRING = {"type": "string"}


# --- what hosts accept -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: path.parent.name)
def test_the_strictest_hosts_accept_every_listing(catalog: Path):
    assert hosts.refusals({"tools": pipeline.load(catalog).listing.tools}) == []


def test_keys_are_safe_at_every_depth():
    inner = {"type": "object", "properties": {"@type": STRING, "page[size]": STRING, "año": STRING, "type": STRING}}
    nested = {"type": "object", "properties": {"$filter": {"type": "array", "items": inner}}, "required": ["$filter"]}
    tool = listed(whole([api("search", body={"schema": nested}, output=nested)]))["search"]
    body = tool["inputSchema"]["properties"]["body"]
    assert body["required"] == list(body["properties"]) == ["filter"]
    (hashed,) = set(body["properties"]["filter"]["items"]["properties"]) - {"page_size", "ano", "type"}
    assert hashed.startswith("type_")
    assert tool["outputSchema"]["properties"] == {}


def test_an_answer_that_is_one_of_several_objects_takes_each_of_them():
    schemas = {
        "Cat": {"type": "object", "properties": {"id": STRING, "lives": {"type": "integer"}}, "required": ["id"]},
        "Dog": {"type": "object", "properties": {"id": {"type": "integer"}, "tricks": STRING}, "required": ["id"]},
    }
    pets = {"oneOf": [{"$ref": "#/schemas/Cat"}, {"$ref": "#/schemas/Dog"}]}
    schema = listed(whole([api("pet", output=pets)], schemas))["pet"]["outputSchema"]
    assert schema["required"] == ["id"]
    assert list(schema["properties"]) == ["id", "lives", "tricks"]
    takes = meaning.validator(schema).is_valid
    assert all(
        map(takes, [{"id": "a", "lives": 9}, {"id": 1, "tricks": "many"}, {"id": 1, "lives": "unknown to dogs"}])
    )
    assert not takes({"id": None})
    assert not takes({})


def test_a_long_description_ends_at_a_sentence_and_says_that_it_goes_on():
    text = "A sentence of some words. " * 100
    (tool,) = listed(whole([api("long", description=text)])).values()
    assert tool["description"].endswith("words. …")
    assert len(tool["description"]) > LONGEST_TEXT * 0.9
    for text in ("x" * 5_000, "word " * 1_000, "日本語。" * 500, "line\n" * 500, "." * 2_000):
        short = shortened(text)
        assert len(short) <= LONGEST_TEXT
        assert short.endswith(" …")
        assert text.startswith(short.removesuffix(" …"))
    assert shortened("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT


# --- what fits a budget ----------------------------------------------------------------------------------------------


def test_types_that_refer_to_each_other_all_over_stay_small():
    apis = [api(f"get_{index}", output={"$ref": f"#/schemas/Type{index}"}) for index in range(9)]
    apis += [api(f"set_{index}", body={"schema": {"$ref": f"#/schemas/Type{index}"}}) for index in range(9)]
    found = listing.list_tools(whole(apis, expandable(300)))
    assert hosts.refusals({"tools": found.tools}) == []
    assert max(map(hosts.size, found.tools)) > listing.TOOL_BYTES / 8
    assert sum(map(hosts.size, found.tools)) <= listing.LISTING_BYTES
    assert all("outputSchema" in found.trimmed[f"get_{index}"] for index in range(9))


def test_a_listing_of_many_tools_gives_every_answer_the_same_room():
    schemas = expandable(20) | {"Small": {"type": "object", "properties": {"id": STRING}}}
    apis = [api(f"get_{index}", output={"$ref": f"#/schemas/Type{index % 20}"}) for index in range(300)]
    found = listing.list_tools(whole([*apis, api("small", output={"$ref": "#/schemas/Small"})], schemas))
    sizes = [hosts.size(tool["outputSchema"]) for tool in found.tools]
    assert sum(map(hosts.size, found.tools)) <= listing.LISTING_BYTES
    assert max(sizes) in range(4_000, 8_001)
    assert "small" not in found.trimmed


def test_a_shared_type_is_written_once():
    schemas = expandable(3)
    members = {f"m{index}": {"$ref": "#/schemas/Type0"} for index in range(10)}
    (tool,) = listed(whole([api("a", body={"schema": {"type": "object", "properties": members}})], schemas)).values()
    assert sorted(tool["inputSchema"]["$defs"]) == ["Type0", "Type1", "Type2"]


def test_arguments_that_no_budget_can_hold_still_have_their_names():
    inputs = [
        {"name": f"input_{index}", "enum": ["x" * 40] * 1 + [f"{n:030}" for n in range(40)]} for index in range(60)
    ]
    deep = {
        "type": "object",
        "properties": {f"m{index}": {"type": "object", "properties": {"a" * 60: STRING}} for index in range(90)},
    }
    found = listing.list_tools(whole([api("wide", inputs=[*inputs, {"name": "deep", "schema": deep}])]))
    (tool,) = found.tools
    assert hosts.refusals({"tools": found.tools}) == []
    assert len(tool["inputSchema"]["properties"]) == len(tool["inputSchema"]["required"]) == 61
    assert tool["inputSchema"]["properties"]["input_7"] == {"type": "string"}
    assert found.trimmed["wide"]["inputSchema"].depth == 1


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: path.parent.name)
def test_what_is_shown_takes_all_that_the_whole_takes(catalog: Path):
    loaded = pipeline.load(catalog).catalog
    for one in loaded.active:
        roots = [("input", p.schema) for p in one.parameters] + ([("output", one.answer)] if one.answer else [])
        for direction, schema in roots:
            keys = names.input_keys(loaded.schemas)
            written = partial(json_schema, direction=direction, name_of=keys.__getitem__)  # type: ignore[arg-type]
            definitions = {keys[name]: written(inner) for name, inner in loaded.schemas.items()}
            root = {"type": "object", "properties": {"x": written(schema)}}
            every = meaning.values(root | {"$defs": definitions}, seed=4, count=25)
            fitting = [value for value in every if meaning.validator(root | {"$defs": definitions}).is_valid(value)]
            whole_one = Whole(root, definitions.__getitem__, 10_000, ANSWER if direction == "output" else ARGUMENTS)
            for depth, words in ((0, TYPES_ALONE), (1, TYPES_ALONE), (1, 0), (1, 1), (2, 1), (3, 1), (9, 9)):
                shown = whole_one.shown(depth, words)
                takes = meaning.validator(shown)
                assert all(takes.is_valid(value) for value in fitting), (depth, words, shown)


def test_a_tool_is_told_the_same_when_other_apis_come_and_go():
    schemas = expandable(30)
    apis = [api(f"get_{index}", output={"$ref": f"#/schemas/Type{index}"}) for index in range(10)]
    few, many = listed(whole(apis[:3], schemas)), listed(whole(apis[::-1], schemas | {"Other": {"type": "object"}}))
    assert {name: json.dumps(many[name]) for name in few} == {name: json.dumps(tool) for name, tool in few.items()}


# --- what people are told --------------------------------------------------------------------------------------------


def test_people_are_told_what_hosts_may_refuse_and_what_is_shown_in_part(tmp_path: Path):
    apis = [api(f"get_{index}", output={"$ref": "#/schemas/Type1"} if index < 3 else None) for index in range(130)]
    apis = [{key: value for key, value in one.items() if value is not None} for one in apis]
    apis += [api("another_name_of_more_characters_than_some_hosts_take_with_their")]
    apis += [api("Case"), api("case"), api("a_name_of_more_characters_than_some_hosts_take_with_the_servers_one")]
    gateways = {"main": {"baseUrl": "https://api.example.com"}}
    file = tmp_path / "listed.json"
    file.write_text(json.dumps({"name": "listed", "gateways": gateways, "schemas": expandable(20), "apis": apis}))
    result = codegen("validate", file)
    assert result.exit_code == 0
    notes = [line.partition(": ")[2] for line in result.stderr.splitlines()]
    assert len(notes) == 5, notes
    for said in (
        "there are 134 tools",
        "3 of 134 tools show a part",
        "' and 1 more: the catalog's name and the tool's are together longer than the 60 characters",
        "in case alone",
        "in case alone",
    ):
        assert any(said in note for note in notes), notes


def test_the_metadata_says_how_much_is_shown(tmp_path: Path):
    data = {"name": "listed", "gateways": {"main": {"baseUrl": "https://a.example"}}, "schemas": expandable(20)}
    (tmp_path / "listed.json").write_text(
        json.dumps({**data, "apis": [api("get", output={"$ref": "#/schemas/Type1"}), api("other")]})
    )
    assert codegen("generate", tmp_path / "listed.json", "--out", tmp_path).exit_code == 0
    tools = json.loads((tmp_path / "listed" / "listed_mcp_metadata.json").read_text())["tools"]
    assert tools["get"]["shown"] == {"outputSchema": {"depth": 2, "descriptions": 1}}
    assert "shown" not in tools["other"]
