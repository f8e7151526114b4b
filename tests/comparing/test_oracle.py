"""Types that are drawn, and a judge that knows JSON Schema alone: which values fit the one and not the other?"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.comparing.catalogs import api, catalog, compared

Json = dict[str, Any]
TEXTS = ["", "a", "b", "abc"]
LIMITS = st.integers(0, 3)


def fits(value: Any, schema: Json) -> bool:
    return bool(Draft202012Validator(schema).is_valid(value))


def samples(schema: Json) -> list[Any]:
    """Values at the edges of what fits a type, and beside them."""
    if "anyOf" in schema:
        return [value for one in schema["anyOf"] for value in samples(one)]
    named = schema.get("type", ["string", "integer", "boolean"])
    kinds = named if isinstance(named, list) else [named]
    found: list[Any] = [None] if "null" in kinds else []
    found += schema.get("enum", [])
    if "string" in kinds:
        found += [*TEXTS, "abcd", "z"]
    if "boolean" in kinds:
        found += [True, False]
    if "integer" in kinds or "number" in kinds:
        found += [-7, *range(-1, 8)]
    if "number" in kinds:
        found += [n + 0.5 for n in range(-2, 8)]
    if "array" in kinds:
        inner = [value for value in samples(schema["items"]) if fits(value, schema["items"])]
        found += [[], *([value] * size for value in inner[:8] for size in (1, 2, 3, 4))]
    if "object" in kinds:
        names = sorted(schema["properties"])
        choices = [
            [..., *(value for value in samples(schema["properties"][name]) if fits(value, schema["properties"][name]))]
            for name in names
        ]
        found += [
            {name: value for name, value in zip(names, values, strict=True) if value is not ...}
            for values in product(*choices)
        ]
    return [value for value in found if fits(value, schema)]


@st.composite
def scalars(draw: st.DrawFn) -> Json:
    kind = draw(st.sampled_from(["string", "integer", "number", "boolean"]))
    schema: Json = {"type": kind}
    if kind == "string" and draw(st.booleans()):
        return schema | {"enum": draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True))}
    low, high = {"string": ("minLength", "maxLength")}.get(kind, ("minimum", "maximum"))
    if kind != "boolean" and draw(st.booleans()):
        schema[low] = draw(LIMITS)
    if kind != "boolean" and draw(st.booleans()):
        schema[high] = schema.get(low, 0) + draw(LIMITS)
    return draw(st.sampled_from([schema, {**schema, "type": [kind, "null"]}]))


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[Json]) -> Json:
    properties = draw(st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2))
    required = sorted(draw(st.sets(st.sampled_from(sorted(properties))))) if properties else []
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def lists(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    bounds = st.fixed_dictionaries({}, optional={"minItems": st.integers(0, 1), "maxItems": st.integers(1, 3)})
    return st.builds(lambda items, limits: {"type": "array", "items": items, **limits}, inner, bounds)


PLAIN = st.one_of(scalars(), objects(scalars()), lists(scalars()), objects(lists(scalars())))
ANY = st.one_of(PLAIN, st.builds(lambda some: {"anyOf": some}, st.lists(PLAIN, min_size=2, max_size=3)))


@st.composite
def pairs(draw: st.DrawFn, types: st.SearchStrategy[Json]) -> tuple[Json, Json]:
    """Two types: mostly the one is the other with a key changed somewhere."""
    first, second = draw(types), draw(types)
    if first.get("type") == second.get("type") and draw(st.booleans()):
        return first, second
    return draw(st.sampled_from([(first, mutated(draw, first)), (mutated(draw, first), first)]))


def mutated(draw: st.DrawFn, schema: Json) -> Json:
    """The type with something changed."""
    changed = dict(schema)
    if "anyOf" in changed:
        some = draw(st.lists(st.sampled_from(changed["anyOf"]), min_size=1, unique_by=repr))
        return {"anyOf": some} if len(some) > 1 else some[0]
    if properties := changed.get("properties"):
        name = draw(st.sampled_from(sorted(properties)))
        inner = mutated(draw, properties[name])
        changed["properties"] = draw(
            st.sampled_from([{**properties, name: inner}, {n: p for n, p in properties.items() if n != name}])
        )
        changed["required"] = [n for n in changed["required"] if n in changed["properties"]]
        return changed
    if "items" in changed and draw(st.booleans()):
        return {**changed, "items": mutated(draw, changed["items"])}
    if changed.get("required"):
        return {**changed, "required": changed["required"][1:]}
    droppable = [
        key for key in changed if key not in ("type", "items", "properties", "required", "additionalProperties")
    ]
    if droppable:
        del changed[draw(st.sampled_from(sorted(droppable)))]
    return changed


def lenient(schema: Json) -> Json:
    """What a program that reads answers of this type counts on."""
    if "anyOf" in schema:
        return {"anyOf": [lenient(one) for one in schema["anyOf"]]}
    kept: Json = {"type": schema["type"]}
    if "items" in schema:
        kept["items"] = lenient(schema["items"])
    if "properties" in schema:
        kept["required"] = schema["required"]
        kept["properties"] = {
            name: lenient(one) if name in schema["required"] else {"anyOf": [lenient(one), {"type": "null"}]}
            for name, one in schema["properties"].items()
        }
    return kept


checked = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def taking(schema: Json) -> Json:
    return catalog(api(inputs=[{"name": "value", "schema": schema, "required": False}]))


def answering(schema: Json) -> Json:
    return catalog(api(output={"type": "object", "properties": {"value": schema}, "required": ["value"]}))


@checked
@given(pairs(PLAIN))
@example(({"type": "integer"}, {"type": "number", "minimum": 0}))
def test_an_input_breaks_callers_when_a_value_that_was_taken_is_refused(tmp_path_factory, pair: tuple[Json, Json]):
    old, new = pair
    told = compared(taking(old), taking(new), folder(tmp_path_factory))
    broken = [value for value in samples(old) if not fits(value, new)]
    codes = {one["code"] for one in told["changes"] if one["level"] == "breaking"} - {"class-removed"}
    assert bool(codes) == bool(broken), (old, new, told["changes"], broken[:3])


@checked
@given(pairs(ANY))
def test_an_input_of_several_types_that_breaks_nobody_takes_every_value_that_it_took(
    tmp_path_factory, pair: tuple[Json, Json]
):
    old, new = pair
    told = compared(taking(old), taking(new), folder(tmp_path_factory))
    assert told["breaking"] or all(fits(value, new) for value in samples(old))


@checked
@given(pairs(ANY))
def test_an_answer_that_breaks_nobody_reads_as_it_did(tmp_path_factory, pair: tuple[Json, Json]):
    old, new = pair
    told = compared(answering(old), answering(new), folder(tmp_path_factory))
    assert told["breaking"] or all(fits(value, lenient(old)) for value in samples(new))


@settings(checked, max_examples=20)
@given(ANY)
def test_a_type_does_not_differ_from_itself(tmp_path_factory, schema: Json):
    for of in (taking, answering):
        assert compared(of(schema), of(schema), folder(tmp_path_factory))["changes"] == []


def folder(factory: Any) -> Path:
    """The same one each time."""
    return Path(factory.getbasetemp()) / "oracle"
