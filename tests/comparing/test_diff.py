"""`mcp-codegen diff`: every rule, in JSON for programs and in words for people."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.comparing.catalogs import api, catalog, compared, diff, written
from tests.generated import codegen

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "cases").glob("*/api_catalog.*"))


def taking(**schema: Any) -> dict[str, Any]:
    """A catalog with one input of this type."""
    return catalog(api(inputs=[{"name": "value", **schema}]))


def answering(schema: Any, **schemas: Any) -> dict[str, Any]:
    """A catalog with an answer of this type."""
    return catalog(api(output=schema), schemas=schemas)


def members(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}
ID = {"name": "id", "type": "string"}
PAGE = {"name": "page", "type": "int", "required": False}
MORE = {"name": "more", "type": "string", "required": False}

RULES: dict[str, tuple[dict[str, Any], dict[str, Any], set[tuple[str, str]]]] = {
    # --- inputs ---
    "a new required input": (
        catalog(api()), catalog(api(inputs=[ID])), {("breaking", "input-required")},
    ),
    "a new optional input": (catalog(api()), catalog(api(inputs=[PAGE])), {("addition", "input-added")}),
    "a new input with a default": (
        catalog(api()), catalog(api(inputs=[{"name": "n", "type": "int", "default": 3}])),
        {("addition", "input-added")},
    ),
    "a removed input": (catalog(api(inputs=[PAGE])), catalog(api()), {("breaking", "input-removed")}),
    "optional, then required": (
        catalog(api(inputs=[PAGE])), catalog(api(inputs=[{**PAGE, "required": True}])),
        {("breaking", "input-required")},
    ),
    "required, then optional": (
        catalog(api(inputs=[ID])), catalog(api(inputs=[{**ID, "required": False}])), {("addition", "input-optional")},
    ),
    "another default": (
        taking(type="int", default=1), taking(type="int", default=2), {("breaking", "default-changed")},
    ),
    "no default any more": (
        taking(type="int", default=1), taking(type="int", required=False), {("breaking", "default-changed")},
    ),
    "a default for what was optional": (
        taking(type="int", required=False), taking(type="int", default=1), {("behaviour", "default-added")},
    ),
    "an input in another order": (
        catalog(api(inputs=[ID, {"name": "other", "type": "string"}])),
        catalog(api(inputs=[{"name": "other", "type": "string"}, ID])),
        {("breaking", "python-order")},
    ),
    "an input in another place": (
        taking(type="string", **{"in": "query"}), taking(type="string", **{"in": "header"}),
        {("behaviour", "input-moved")},
    ),
    "another type": (taking(**TEXT), taking(**WHOLE), {("breaking", "type-changed")}),
    "a wider type": (taking(**WHOLE), taking(**NUMBER), {("addition", "type-changed")}),
    "a narrower type": (taking(**NUMBER), taking(**WHOLE), {("breaking", "type-changed")}),
    "any type": (taking(**WHOLE), taking(type="any"), {("addition", "type-changed")}),
    "not any type": (taking(type="any"), taking(**WHOLE), {("breaking", "type-changed")}),
    "a date, then a text": (taking(type="date"), taking(**TEXT), {("breaking", "type-changed")}),
    "null is refused": (taking(**TEXT, nullable=True), taking(**TEXT), {("breaking", "null-refused")}),
    "null is taken": (taking(**TEXT), taking(**TEXT, nullable=True), {("addition", "null-allowed")}),
    "an enum loses a value": (
        taking(**TEXT, enum=["a", "b"]), taking(**TEXT, enum=["a"]), {("breaking", "values-removed")},
    ),
    "an enum gains a value": (
        taking(**TEXT, enum=["a"]), taking(**TEXT, enum=["a", "b"]), {("addition", "values-added")},
    ),
    "a text becomes an enum": (taking(**TEXT), taking(**TEXT, enum=["a"]), {("breaking", "values-removed")}),
    "an enum becomes a text": (taking(**TEXT, enum=["a"]), taking(**TEXT), {("addition", "values-added")}),
    "a lower maximum": (taking(**WHOLE, maximum=9), taking(**WHOLE, maximum=8), {("breaking", "constraint-narrowed")}),
    "a higher maximum": (taking(**WHOLE, maximum=8), taking(**WHOLE, maximum=9), {("addition", "constraint-widened")}),
    "the same limit in other words": (taking(**WHOLE, minimum=1), taking(**WHOLE, exclusiveMinimum=0), set()),
    "a shorter text": (taking(**TEXT, maxLength=9), taking(**TEXT, maxLength=8), {("breaking", "constraint-narrowed")}),
    "a new pattern": (taking(**TEXT), taking(**TEXT, pattern="^a"), {("breaking", "pattern-changed")}),
    "no pattern any more": (taking(**TEXT, pattern="^a"), taking(**TEXT), {("addition", "constraint-widened")}),
    "multiples of a divisor": (
        taking(**WHOLE, multipleOf=6), taking(**WHOLE, multipleOf=3), {("addition", "constraint-widened")},
    ),
    "other multiples": (
        taking(**WHOLE, multipleOf=3), taking(**WHOLE, multipleOf=6), {("breaking", "constraint-narrowed")},
    ),
    "a member that is required now": (
        taking(schema=members(a=TEXT)), taking(schema=members("a", a=TEXT)), {("breaking", "member-required")},
    ),
    "a member that is new and optional": (
        taking(schema=members(a=TEXT)), taking(schema=members(a=TEXT, b=TEXT)), {("addition", "member-added")},
    ),
    "a member that is not taken any more": (
        taking(schema=members(a=TEXT, b=TEXT)), taking(schema=members(a=TEXT)), {("breaking", "member-removed")},
    ),
    "members of lists": (
        taking(type="array", items=TEXT), taking(type="array", items={**TEXT, "maxLength": 3}),
        {("breaking", "constraint-narrowed")},
    ),
    "one more alternative": (
        taking(schema={"anyOf": [TEXT, WHOLE]}), taking(schema={"anyOf": [WHOLE, {"type": "boolean"}, TEXT]}),
        {("addition", "alternative-added")},
    ),
    "one alternative less": (
        taking(schema={"anyOf": [TEXT, WHOLE]}), taking(**TEXT), {("breaking", "alternative-removed")},
    ),
    # --- answers ---
    "a member of the answer is gone": (
        answering(members(a=TEXT, b=TEXT)), answering(members(a=TEXT)), {("breaking", "member-removed")},
    ),
    "a member may be missing": (
        answering(members("a", a=TEXT)), answering(members(a=TEXT)), {("breaking", "member-optional")},
    ),
    "a member may be null": (
        answering(members("a", a=TEXT)), answering(members("a", a={"type": ["string", "null"]})),
        {("breaking", "null-answered")},
    ),
    "an optional member may be null, as it could before": (
        answering(members(a=TEXT)), answering(members(a={"type": ["string", "null"]})), set(),
    ),
    "a member is always there": (
        answering(members(a=TEXT)), answering(members("a", a=TEXT)), {("addition", "member-required")},
    ),
    "a member of the answer is new": (
        answering(members(a=TEXT)), answering(members(a=TEXT, b=TEXT)), {("addition", "member-added")},
    ),
    "a member of another type": (
        answering(members(a=TEXT)), answering(members(a=WHOLE)), {("breaking", "type-changed")},
    ),
    "whole numbers, then any": (
        answering(members(a=WHOLE)), answering(members(a=NUMBER)),
        {("breaking", "type-changed")},
    ),
    "numbers, then whole ones": (
        answering(members(a=NUMBER)), answering(members(a=WHOLE)),
        {("addition", "type-changed")},
    ),
    "an answer has another value in its enum": (
        answering(members(a={**TEXT, "enum": ["x"]})), answering(members(a={**TEXT, "enum": ["x", "y"]})),
        {("addition", "answer-values")},
    ),
    "limits of answers are not held against them": (
        answering(members(a={**WHOLE, "maximum": 3})), answering(members(a=WHOLE)),
        {("documentation", "answer-constraints")},
    ),
    "an answer may be of another type": (
        answering({"oneOf": [members("a", a=TEXT), members("b", b=TEXT)]}),
        answering({"oneOf": [members("a", a=TEXT), members("b", b=TEXT), members("c", c=TEXT)]}),
        {("breaking", "alternative-added")},
    ),
    "an answer that nothing was said about": (
        catalog(api()), answering(TEXT),
        {("addition", "type-changed"), ("breaking", "answer-moved")},
    ),
    "text in place of JSON": (
        answering(members(a=TEXT)), catalog(api(answerType="text/plain")),
        {("breaking", "type-changed"), ("breaking", "class-removed"), ("behaviour", "answer-type-changed")},
    ),
    "a shared type, deep inside": (
        answering({"$ref": "#/schemas/A"}, A=members(b={"$ref": "#/schemas/B"}), B=members("c", c=TEXT)),
        answering({"$ref": "#/schemas/A"}, A=members(b={"$ref": "#/schemas/B"}), B=members("c", c=WHOLE)),
        {("breaking", "type-changed")},
    ),
    "a type that contains itself": (
        answering({"$ref": "#/schemas/A"}, A=members(a={"$ref": "#/schemas/A"}, b=TEXT)),
        answering({"$ref": "#/schemas/A"}, A=members(a={"$ref": "#/schemas/A"}, b=TEXT, c=TEXT)),
        {("addition", "member-added")},
    ),
    "a type under another name": (
        answering(members(a={"$ref": "#/schemas/Old"}), Old=members(b=TEXT)),
        answering(members(a={"$ref": "#/schemas/New"}), New=members(b=TEXT)),
        {("breaking", "class-removed")},
    ),
    # --- tools ---
    "a new API": (catalog(api()), catalog(api(), api(name="other")), {("addition", "tool-added")}),
    "a removed API": (catalog(api(), api(name="other")), catalog(api()), {("breaking", "tool-removed")}),
    "a deactivated API": (
        catalog(api(), api(name="other")), catalog(api(), api(name="other", active=False)),
        {("breaking", "tool-removed")},
    ),
    "a renamed API": (
        catalog(api()), catalog(api(name="fetch_thing")), {("breaking", "tool-removed"), ("addition", "tool-added")},
    ),
    "another request": (
        catalog(api()), catalog(api(httpMethod="PUT", endpoint="/v2/things")),
        {("behaviour", "request-changed"), ("behaviour", "hints-changed")},
    ),
    "more time": (catalog(api()), catalog(api(timeoutSeconds=60)), {("behaviour", "timeout-changed")}),
    "it does not only read": (
        catalog(api(readOnly=True)), catalog(api(readOnly=False)), {("behaviour", "hints-changed")},
    ),
    "it is deprecated": (catalog(api()), catalog(api(deprecated=True)), {("behaviour", "deprecated")}),
    "other words": (catalog(api()), catalog(api(description="Better.")), {("documentation", "described")}),
    "another credential": (
        catalog(api()), catalog(api(auth={"type": "bearer", "env": "OTHER_TOKEN"})),
        {("behaviour", "auth-changed"), ("breaking", "variable-required"), ("behaviour", "variable-removed")},
    ),
    "another catalog name": (catalog(api()), catalog(api(), name="store"), {("breaking", "package-renamed")}),
    "a class in another module": (
        catalog(api(tags=["a"], output={"$ref": "#/schemas/A"}), schemas={"A": members(a=TEXT)}),
        catalog(
            api(tags=["a"], output={"$ref": "#/schemas/A"}),
            api(name="other", tags=["b"], output={"$ref": "#/schemas/A"}),
            schemas={"A": members(a=TEXT)},
        ),
        {("breaking", "class-moved"), ("addition", "tool-added")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_change_is_what_it_is_for_callers(rule: str, tmp_path: Path):
    old, new, expected = RULES[rule]
    told = compared(old, new, tmp_path)
    assert {(one["level"], one["code"]) for one in told["changes"]} == expected, told["changes"]
    assert told["breaking"] == any(level == "breaking" for level, _ in expected)


def test_every_change_is_a_sentence_in_its_place_that_says_why(tmp_path: Path, snapshot):
    said = []
    for rule, (old, new, _) in RULES.items():
        lines = diff(old, new, tmp_path, "--fail-on", "none").stdout.splitlines()
        said += [rule, *(line for line in lines if line.startswith("  "))]
    assert "\n".join(said) == snapshot


def test_people_read_the_changes_by_tool_and_what_they_ask_for(tmp_path: Path, snapshot):
    old = catalog(api(), api(name="listing", inputs=[PAGE], output=members("a", a=TEXT)), api(name="gone"))
    new = catalog(api(description="Better."), api(name="listing", inputs=[ID, PAGE], output=members(a=TEXT, b=TEXT)))
    result = diff(old, new, tmp_path)
    assert result.exit_code == 1
    assert result.stdout == snapshot


def test_a_type_that_many_tools_use_is_told_once_to_people_and_for_each_tool_to_programs(tmp_path: Path, snapshot):
    apis = [api(name=f"tool_{number}", output=members(a={"$ref": "#/schemas/A"})) for number in range(5)]
    old = catalog(*apis, schemas={"A": members("b", b=TEXT)})
    new = catalog(*apis, schemas={"A": members(b=TEXT, c=TEXT)})
    assert diff(old, new, tmp_path).stdout == snapshot
    told = compared(old, new, tmp_path)["changes"]
    assert {one["where"] for one in told} == {"answer.a.b", "answer.a.c"}
    assert {(one["type"], one["part"]) for one in told} == {("A", ".b"), ("A", ".c")}
    assert len(told) == 10


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.parent.name)
def test_a_catalog_does_not_differ_from_itself(file: Path, tmp_path: Path):
    result = codegen("diff", file, file, "--fail-on", "any")
    assert (result.exit_code, result.stdout) == (0, "Nothing changed for callers.\n")


def test_the_order_of_keys_and_of_apis_changes_nothing(tmp_path: Path):
    old = catalog(api(inputs=[ID, PAGE]), api(name="other"))
    new = {key: old[key] for key in sorted(old, reverse=True)} | {"apis": old["apis"][::-1]}
    assert compared(old, new, tmp_path)["changes"] == []


@pytest.mark.parametrize(
    ("rule", "fail_on", "code"),
    [
        ("a removed API", "breaking", 1),
        ("a removed API", "none", 0),
        ("a new API", "breaking", 0),
        ("a new API", "any", 1),
    ],
)
def test_the_exit_code_is_what_ci_asks_for(rule: str, fail_on: str, code: int, tmp_path: Path):
    old, new, _ = RULES[rule]
    assert diff(old, new, tmp_path, "--fail-on", fail_on).exit_code == code
    assert diff(old, new, tmp_path, "--json", "--fail-on", fail_on).exit_code == code


def test_programs_get_names_counts_and_the_version_that_is_asked_for(tmp_path: Path):
    told = compared(catalog(api()), catalog(api(inputs=[ID])), tmp_path)
    assert told == {
        "old": {"name": "shop", "version": "1.2.3"},
        "new": {"name": "shop", "version": "1.2.3"},
        "breaking": True,
        "asks": "major",
        "version": "2.0.0",
        "counts": {"breaking": 1, "addition": 0, "behaviour": 0, "documentation": 0},
        "changes": [
            {
                "tool": "get_thing",
                "where": "input id",
                "level": "breaking",
                "code": "input-required",
                "what": "is new and required",
                "why": "calls without it are refused",
                "type": "",
                "part": "",
            }
        ],
    }


@pytest.mark.parametrize(
    ("version", "major", "minor", "patch"),
    [
        ("1.2.3", "2.0.0", "1.3.0", "1.2.4"),
        ("0.2.3", "0.3.0", "0.2.4", "0.2.4"),
        ("1", "2.0.0", "1.1.0", "1.0.1"),
        ("2.0.0rc1", "2.0.0", "2.0.0", "2.0.0"),
        ("1.2.3.post1", "2.0.0", "1.3.0", "1.2.4"),
    ],
)
def test_versions_are_raised_by_weight(version: str, major: str, minor: str, patch: str, tmp_path: Path):
    for new, expected in [(api(inputs=[ID]), major), (api(inputs=[PAGE]), minor), (api(title="New"), patch)]:
        assert compared(catalog(api(), version=version), catalog(new), tmp_path)["version"] == expected


def test_a_folder_stands_for_the_catalog_in_it(tmp_path: Path):
    old = written(tmp_path / "old" / "api_catalog.json", catalog(api()))
    new = written(tmp_path / "new" / "api_catalog.json", catalog(api(inputs=[ID])))
    assert codegen("diff", old.parent, new.parent).stdout == codegen("diff", old, new).stdout
    (tmp_path / "empty").mkdir()
    result = codegen("diff", old, tmp_path / "empty")
    assert result.exit_code == 1
    assert "there is no catalog in this folder; name a file such as" in result.stderr


def test_catalogs_with_problems_are_told_as_validate_tells_them(tmp_path: Path):
    broken = written(tmp_path / "broken.json", {"name": "shop", "apis": [{"name": "a"}]})
    good = written(tmp_path / "good.json", catalog())
    assert codegen("diff", good, broken).stderr == codegen("validate", broken).stderr
    assert codegen("diff", good, broken, "--json").stdout == codegen("validate", broken, "--json").stdout
    assert codegen("diff", good).exit_code == 2


def test_hostile_names_reach_neither_terminal_nor_markup(tmp_path: Path):
    hostile = "evil\u202e*_[x](y)<script>"
    old = catalog(api(output=members("a", a=TEXT, **{hostile: TEXT})))
    new = deepcopy(old)
    del new["apis"][0]["output"]["properties"][hostile]
    said = diff(old, new, tmp_path).stdout
    assert "\u202e" not in said
    assert json.dumps(hostile)[1:-1] in said
