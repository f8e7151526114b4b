"""The catalog language: its JSON Schema, and what holds for any catalog, right or wrong."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from mcp_codegen import pipeline
from mcp_codegen.errors import CatalogError
from tests import meaning
from tests.generated import argument_schema, build, codegen, returned

HERE = Path(__file__).parent
SCHEMA = HERE.parent / "catalog" / "catalog.schema.json"
CATALOGS = [file for file in sorted((HERE / "cases").glob("*/api_catalog.*")) if file.parent.name != "legacy"]

Json = Any


def read(file: Path) -> Json:
    return yaml.safe_load(file.read_text("utf-8")) if file.suffix == ".yaml" else json.loads(file.read_text("utf-8"))


# --- the JSON Schema for editors --------------------------------------------------------------------------------------


def test_the_committed_schema_is_the_languages():
    assert codegen("schema").stdout == SCHEMA.read_text("utf-8")
    assert codegen("schema", "--out", SCHEMA, "--check").exit_code == 0


def test_a_stale_schema_is_told_with_a_difference_and_a_remedy(tmp_path: Path):
    stale = tmp_path / "catalog.schema.json"
    stale.write_text(SCHEMA.read_text("utf-8").replace("Seconds.", "Minutes."))
    result = codegen("schema", "--out", stale, "--check")
    assert result.exit_code == 1
    assert "Minutes." in result.stdout
    assert "is not the language's" in result.stderr
    assert codegen("schema", "--out", stale).exit_code == 0
    assert codegen("schema", "--out", stale, "--check").exit_code == 0


def test_the_schema_takes_every_good_catalog():
    checks = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    flagship = HERE.parent / "catalog" / "telefonica" / "api_catalog.json"
    for file in [*CATALOGS, flagship]:
        assert [error.message for error in checks.iter_errors(read(file))] == []


def test_the_schema_refuses_what_the_language_refuses_about_the_shape():
    checks = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    for name in ("unknown_keys", "missing_keys", "wrong_kinds", "limits", "names", "auth", "secrets"):
        assert not checks.is_valid(read(HERE / "rejected" / f"{name}.json")), name


# --- any data ---------------------------------------------------------------------------------------------------------


ODD_VALUES: list[Json] = [
    None, True, False, 0, 1, -1, 7, 0.5, 1e300, 10**400, "", " ", "x", "a b", "\x00", "\u202e", '"""', "${X}", "{x}",
    "/", "/{x}", "https://", "https://[", "#/schemas/", "#/schemas/Order", "#/schemas/~2", "date", "object", "array",
    "path", "header", "none", "(", "(?=a)", [], {}, [None], [[]], [1, "1"], ["null"], {"": {}}, {"a": None},
    {"type": []}, {"type": "object"}, {"$ref": "#"}, {"type": "array", "items": False}, {"enum": [[], {}]},
    {"enum": [1, 1.0, True]}, {"const": None}, {"properties": {"a": 1}}, {"required": ["a", "a"]}, {"x-a": 1},
]  # fmt: skip


KEYS = ["x", "$ref", "schema", "enum", "default", "pattern", "nullable", "in", "items", "fields", "type", "auth"]


def places(data: Json, pointer: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield pointer
    for key, inner in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(inner, (*pointer, key))


@st.composite
def spoiled(draw: st.DrawFn) -> Json:
    """A catalog with one to three of its values replaced, or keys added or removed."""
    data = copy.deepcopy(read(draw(st.sampled_from(CATALOGS))))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places(data))[1:]))
        node = data
        for part in way:
            node = node[part]
        if isinstance(node, dict) and draw(st.booleans()):
            last = draw(st.sampled_from(KEYS))
        if draw(st.integers(0, 5)):
            node[last] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        else:
            node.pop(last, None) if isinstance(node, dict) else node.pop(int(last))
        assume(data)
    return data


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(data=spoiled())
def test_any_catalog_is_generated_from_or_refused_and_never_crashes(data: Json):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "spoiled.json")
        file.write_text(json.dumps(data))
        with contextlib.suppress(CatalogError):
            (generated,) = pipeline.generate([file])
            assert generated.files


# --- any good catalog -------------------------------------------------------------------------------------------------


NAMES = st.sampled_from(
    ["id", "ID", "class", "copy", "número", "a b", "a_b", "type", "self", "model_config", "日本", "_"]
)
TEXTS = st.sampled_from(
    ["", "plain", 'ends in """', "back\\slash\\", "two\nlines", "{{ x }}", "\u202e", 'it\'s "both"']
)
SHARED = ("Order", "order", "Model")


def scalars() -> st.SearchStrategy[Json]:
    texts = st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(2, 9),
            "pattern": st.sampled_from(["^a", r"\d+"]),
        },
    )
    numbers = st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={"minimum": st.integers(-3, 0), "exclusiveMaximum": st.integers(1, 99), "multipleOf": st.just(2)},
    )
    enums = st.lists(st.sampled_from(["a", "b-c", '"', "\\", "日"]), min_size=1, unique=True).map(lambda e: {"enum": e})
    dates = st.sampled_from(["date", "date-time", "uuid"]).map(lambda name: {"type": "string", "format": name})
    fixed = st.sampled_from([{"type": "boolean"}, {}, {"type": "object"}, {"enum": [1, 2, -3]}, {"const": True}])
    references = st.sampled_from(SHARED).map(lambda name: {"$ref": f"#/schemas/{name}"})
    return texts | numbers | enums | dates | fixed | references


def objects(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    members = st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    return members.flatmap(
        lambda found: st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.just(found)},
            optional={
                "required": st.lists(st.sampled_from(sorted(found)), unique=True),
                "additionalProperties": st.booleans(),
                "description": TEXTS,
            },
        )
    )


def wrapped(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    lists = st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"minItems": st.integers(0, 2)})
    maps = inner.map(lambda values: {"type": "object", "additionalProperties": values})
    return lists | maps | objects(inner)


def noted(schema: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    about = st.fixed_dictionaries({}, optional={"nullable": st.just(True), "description": TEXTS})
    return st.builds(lambda found, more: found | more, schema, about)


TYPES = st.recursive(noted(scalars()), lambda inner: noted(wrapped(inner)), max_leaves=5)


@st.composite
def good(draw: st.DrawFn) -> Json:
    inputs = [
        {"name": name, "schema": draw(TYPES), "required": draw(st.booleans())}
        for name in draw(st.lists(NAMES, unique=True, max_size=4))
    ]
    return {
        "name": "any",
        "description": draw(TEXTS),
        "schemas": {name: draw(objects(TYPES)) for name in SHARED},
        "apis": [
            {"name": "class", "description": draw(TEXTS), "httpMethod": "POST", "endpoint": "/", "inputs": inputs},
            {"name": "Class", "httpMethod": "GET", "endpoint": "/", "output": draw(TYPES)},
        ],
    }


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(data=good())
def test_any_good_catalog_gives_code_whose_listing_is_what_its_signatures_mean(data: Json):
    with tempfile.TemporaryDirectory() as folder, build(data, Path(folder)).importable() as package:
        for name, function in package.functions.items():
            listed = package.listing[name]
            taken = argument_schema(function) | {"additionalProperties": False}
            assert meaning.differences(listed["inputSchema"], taken) == []
            given_back = TypeAdapter(returned(function)).json_schema(by_alias=True)
            assert meaning.differences(listed.get("outputSchema", {}), meaning.as_listed(given_back)) == []
