"""The catalog language: its JSON Schema, and what holds for any catalog, right or wrong."""

from __future__ import annotations

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

from mcp_codegen import pipeline
from mcp_codegen.errors import CatalogError

from tests.generated import codegen

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
    assert "write it anew" in result.stderr
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
    None, True, False, 0, 1, -1, 7, 0.5, 1e300, 10**400, "", " ", "x", "a b", "\x00", "\u202e", '"""', "${X}", "{x}", "/", "/{x}", "https://", "https://[",
    "#/schemas/", "#/schemas/Order", "#/schemas/~2", "date", "object", "array", "path", "header", "none", "(", "(?=a)", [], {}, [None], [[]], [1, "1"],
    ["null"], {"": {}}, {"a": None}, {"type": []}, {"type": "object"}, {"$ref": "#"}, {"type": "array", "items": False}, {"enum": [[], {}]},
    {"enum": [1, 1.0, True]}, {"const": None}, {"properties": {"a": 1}}, {"required": ["a", "a"]}, {"x-a": 1},
]  # fmt: skip


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
            keys = ["x", "$ref", "schema", "enum", "default", "pattern", "nullable", "in", "items", "fields", "type", "auth"]
            last = draw(st.sampled_from(keys))
        if draw(st.integers(0, 5)):
            node[last] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        else:
            node.pop(last, None) if isinstance(node, dict) else node.pop(int(last))
        assume(data)
    return data


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=spoiled())
def test_any_catalog_is_generated_from_or_refused_and_never_crashes(data: Json):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "spoiled.json")
        file.write_text(json.dumps(data))
        try:
            generated = pipeline.generate([file])
        except CatalogError as error:
            assert error.diagnostics
        else:
            assert all(one.files for one in generated)
