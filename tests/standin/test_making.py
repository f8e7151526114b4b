"""Whatever the type, an answer keeps it."""

from __future__ import annotations

import re
import time
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mcp_codegen import checked, rules
from mcp_codegen.catalog import Catalog
from mcp_codegen.checked import CheckedCatalog
from mcp_codegen.schema import json_schema
from mcp_codegen.standin import Behaviour, StandIn, patterns
from mcp_codegen.standin.draw import Draw
from mcp_codegen.standin.inputs import pointer_key
from mcp_codegen.standin.messages import Request

PATTERNS = [
    r"^\d+_\d+_\d+$", r"^\d{8,15}$", r"^[A-Z]{2}-\d{4}(-[a-f]+)?$", "(?i)^abc$", "^(foo|bar)+$", r"^\S+$", "^.*$",
    r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$", "[\u4e00-\u9fff]{2}", "^$", "^(?:a|b|)x?$", r"\bfoo\b", r"^[\w.-]+$", r"^\W\D\s$",
    r"^[^a-z]+?$", r"^(?P<a>[a-c])-\d$", r"^a|b$", r"^\+?[1-9]\d{1,14}$", "ñ+", r"^[\x00-\x1f]$", r"\.", "[+*?]{3}", "",
    "x{20}",
]  # fmt: skip
FORMATS = ["date", "date-time", "time", "uuid", "uri", "email", "hostname", "ipv4", "ipv6", "byte", "duration", "other"]
NAMES = ["name", "customerName", "rut", "email", "amount", "url", "id", "year", "x", "ñandú", "a b", "status", "class"]


def catalog_of(output: Any, schemas: dict[str, Any] | None = None) -> CheckedCatalog:
    api = {
        "name": "a",
        "httpMethod": "GET",
        "endpoint": "/a",
        "inputs": [{"name": "n", "type": "int"}],
        "output": output,
    }
    gateways = {"direct": {"baseUrl": "${X}"}}
    data = {"name": "shop", "gateways": gateways, "schemas": schemas or {}, "apis": [api]}
    return checked.read(Catalog.model_validate(data))


def answers_of(catalog: CheckedCatalog, count: int) -> list[Any]:
    app = StandIn(catalog, Behaviour(), {})
    queries = [{"n": [str(number)]} for number in range(count)]
    replies = [app.reply(Request("GET", "/a", query, query, {}, b"")) for query in queries]
    assert {reply.status for reply in replies} == {200}
    assert all(reply.encoded() for reply in replies)
    return [reply.content for reply in replies]


def check(catalog: CheckedCatalog, count: int = 6) -> None:
    """Every answer keeps its type: what callers are shown, and the constraints that they are not."""
    answer = catalog.operations[0].answer
    assert answer is not None
    for made in answers_of(catalog, count):
        for direction in ("input", "output"):
            defs = {name: json_schema(schema, direction, pointer_key) for name, schema in catalog.schemas.items()}
            schema = json_schema(answer, direction, pointer_key) | {"$defs": defs}
            checker = Draft202012Validator.FORMAT_CHECKER
            errors = list(Draft202012Validator(schema, format_checker=checker).iter_errors(made))
            assert not errors, (errors[0].message, made, schema)


def bounded(low: str, high: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def build(pair: tuple[Any, Any], keep: int) -> dict[str, Any]:
        return {low: min(pair)} | {high: max(pair)} if keep == 3 else [{}, {low: pair[0]}, {high: pair[1]}][keep]

    return st.builds(build, st.tuples(values, values), st.integers(0, 3))


REALS = st.integers(-(10**7), 10**7).map(lambda number: number / 1000)
SCALARS = st.one_of(
    bounded("minLength", "maxLength", st.integers(0, 60)).map(lambda bounds: {"type": "string"} | bounds),
    st.sampled_from(PATTERNS).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.sampled_from(FORMATS).map(lambda name: {"type": "string", "format": name}),
    st.text(max_size=12).map(lambda text: {"type": "string", "example": text}),
    st.lists(st.text(), min_size=1, unique=True).map(lambda values: {"enum": values}),
    bounded("minimum", "maximum", st.integers(-(10**20), 10**20)).map(lambda bounds: {"type": "integer"} | bounds),
    bounded("minimum", "maximum", REALS).map(lambda bounds: {"type": "number"} | bounds),
    bounded("exclusiveMinimum", "maximum", st.integers(-5, 5)).map(lambda bounds: {"type": "number"} | bounds),
    st.sampled_from([0.01, 0.1, 5, 2.5, 1000]).map(lambda step: {"type": "number", "multipleOf": step}),
    st.integers(1, 5000).map(lambda step: {"type": "integer", "multipleOf": step}),
    st.just({"type": "boolean"}),
    st.just({}),
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    return st.one_of(
        members.flatmap(
            lambda found: st.sets(st.sampled_from(sorted(found)) if found else st.nothing()).map(
                lambda required: {"type": "object", "properties": found, "required": sorted(required)}
            )
        ),
        st.tuples(inner, bounded("minItems", "maxItems", st.integers(0, 9))).map(
            lambda pair: {"type": "array", "items": pair[0]} | pair[1]
        ),
        inner.map(lambda values: {"type": "object", "additionalProperties": values}),
        inner.map(lambda one: {"nullable": True} | one if "enum" not in one else one),
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(SCALARS, containers, max_leaves=12))
def test_any_type_is_kept(output):
    catalog = catalog_of(output)
    assume(not rules.check(catalog))
    assume(not _empty_range(output))
    check(catalog)


def _empty_range(schema: Any) -> bool:
    """Whether no value can fit: exclusive bounds that meet, or a whole number where there is none."""
    if isinstance(schema, list):
        return any(map(_empty_range, schema))
    if not isinstance(schema, dict):
        return False
    low, high = schema.get("exclusiveMinimum"), schema.get("maximum")
    return (isinstance(low, int) and isinstance(high, int) and low >= high) or _empty_range(list(schema.values()))


def test_every_pattern_gets_text_of_its_own():
    for pattern in PATTERNS:
        made = [patterns.text_for(pattern, Draw(b"%d" % number)) for number in range(30)]
        assert all(text is not None and patterns.matcher(pattern)(text) for text in made), pattern
        assert all(re.search(pattern, str(text)) for text in made), pattern
        if pattern.startswith(r"^\d"):
            assert len(set(made)) > 25


def test_a_pattern_and_lengths_are_kept_together():
    for low, high in ((40, 40), (1, 3), (0, 100), (12, 14)):
        check(catalog_of({"type": "string", "pattern": "^[a-z]+$", "minLength": low, "maxLength": high}))


NODE = {
    "type": "object",
    "required": ["id", "children"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "children": {"type": "array", "items": {"$ref": "#/schemas/Node"}},
        "parent": {"$ref": "#/schemas/Node"},
        "by name": {"type": "object", "additionalProperties": {"$ref": "#/schemas/Node"}},
    },
}


def test_a_type_that_holds_itself_ends():
    check(catalog_of({"$ref": "#/schemas/Node"}, {"Node": NODE}), count=50)
    other = {"required": ["b"], "type": "object", "properties": {"b": {"$ref": "#/schemas/B", "nullable": True}}}
    check(catalog_of({"$ref": "#/schemas/A"}, {"A": other, "B": {**other, "nullable": True}}))


def test_a_catalog_cannot_make_an_answer_without_end():
    start = time.process_time()
    widest = {
        "type": "array",
        "minItems": 10**9,
        "items": {"type": "array", "minItems": 10**9, "items": {"type": "integer"}},
    }
    itself = {"A": {"type": "object", "required": ["a", "b"], "properties": {n: {"$ref": "#/schemas/A"} for n in "ab"}}}
    layers = {
        f"L{n}": {
            "type": "object",
            "required": [*"abcdefgh"],
            "properties": {m: {"$ref": f"#/schemas/L{n + 1}"} for m in "abcdefgh"},
        }
        for n in range(20)
    } | {"L20": {"type": "integer"}}
    longest = {"type": "string", "minLength": 10**9}
    for output, schemas in (
        (widest, {}),
        ({"$ref": "#/schemas/A"}, itself),
        ({"$ref": "#/schemas/L0"}, layers),
        (longest, {}),
    ):
        assert len(str(answers_of(catalog_of(output, schemas), 1)[0])) < 1_000_000
    assert time.process_time() - start < 10


def test_a_new_member_leaves_the_others_as_they_were():
    properties = {"name": {"type": "string"}, "amount": {"type": "integer"}}
    before = answers_of(catalog_of({"type": "object", "required": [*properties], "properties": properties}), 5)
    more = {"email": {"type": "string"}, **properties}
    after = answers_of(catalog_of({"type": "object", "required": [*more], "properties": more}), 5)
    assert before == [{name: one[name] for name in properties} for one in after]


def test_choices_are_even_and_bounded():
    draw = Draw(b"even")
    rolls = [draw.below(6) for _ in range(6000)]
    assert all(900 < rolls.count(face) < 1100 for face in range(6))
    assert all(0 <= draw.below(10**300) < 10**300 for _ in range(20))
    assert {draw.between(-1, 1) for _ in range(100)} == {-1, 0, 1}
