"""Catalogs of all sorts, with examples that fit them: strategies for hypothesis.

Names are chosen to clash with Python, Pydantic, the runtime and each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.corpus.making import EDGES, MOMENTS, PRINTABLE

Json = Any
Values = st.SearchStrategy[Any]
Typed = tuple[dict[str, Json], Values]
"""A type in the words of a field, and values that fit it."""

NAMES = (
    "id", "Id", "ID", "i_d", "class", "def", "None", "print", "self", "ctx", "client", "tools", "model_dump", "copy",
    "json", "schema", "dict", "BaseModel", "Any", "Field", "MISSING", "a-b", "a_b", "aB", "a b", "ñandú", "日本", "x.y",
    "$filter", "page[size]", "@type", "1st", "_private", "__init__", "type", "list", "str", "int", "dt", "body",
    "headers", "query", "at", "async", "match", "model_config", "Model", "Literal", "result", "data", "é", "a/b",
    "a\"b", "Styled", "accept", "credential", "timeout", "wrapped", "x" * 70, "answer", "method", "validate", "Date",
    "root",
)  # fmt: skip
TOKENS = ("X-Id", "x_trace", "If-Match", "class", "self", "ctx", "Range", "x.y", "X-ID-2", "body", "print")
"""Names that can stand in a header or a cookie."""
PATTERN = r"^[a-z]{1,5}$"
INTEGERS = {"type": "object", "additionalProperties": {"type": "integer"}}
DEEPEST = 3
WORDS = st.text("abcxyz", min_size=1, max_size=5)
TEXTS = st.sampled_from(EDGES) | st.text(max_size=5)
SAFE = {"path": PRINTABLE.filter(lambda text: text not in (".", "..")), "header": PRINTABLE, "cookie": PRINTABLE}
"""Text for places where not all text can stand."""


def some_of(names: Sequence[str], *, least: int = 0, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=least, max_size=most, unique=True)


def texts(place: str) -> Values:
    return SAFE.get(place, TEXTS)


@st.composite
def scalars(draw: st.DrawFn, place: str = "") -> Typed:
    """One value: text, a number, a flag, a date."""
    choices = st.lists(st.sampled_from((*TOKENS, "a", "A", "b c", "1", "true")), min_size=1, max_size=4, unique=True)
    kinds: dict[str, Callable[[], Typed]] = {
        "text": lambda: ({"type": "string"}, texts(place)),
        "bounded": lambda: ({"type": "string", "minLength": 1, "maxLength": 8}, PRINTABLE if place else WORDS),
        "pattern": lambda: ({"type": "string", "pattern": PATTERN}, WORDS),
        "enum": lambda: _one_of({"type": "string"}, draw(choices)),
        "int": lambda: ({"type": "int"}, st.integers(-(2**70), 2**70)),
        "range": lambda: ({"type": "integer", "minimum": -5, "exclusiveMaximum": 100}, st.integers(-5, 99)),
        "numbers": lambda: _one_of({"type": "int"}, [1, 2, 30]),
        "number": lambda: ({"type": "number"}, st.floats(-1e12, 1e12) | st.integers(-9, 9)),
        "step": lambda: ({"type": "number", "multipleOf": 0.01}, st.integers(-999, 999).map(lambda one: one / 100)),
        "decimal": lambda: ({"type": "decimal"}, st.integers(-99999, 99999).map(lambda one: one / 100)),
        "cents": lambda: ({"type": "decimal", "multipleOf": 0.01}, st.integers(-999, 999).map(lambda one: one / 100)),
        "flag": lambda: ({"type": "bool"}, st.booleans()),
        "date": lambda: ({"type": "date"}, st.dates().map(str)),
        "moment": lambda: ({"type": "datetime"}, st.sampled_from(MOMENTS)),
        "uuid": lambda: ({"type": "string", "format": "uuid"}, st.uuids().map(str)),
    }
    return kinds[draw(st.sampled_from(sorted(kinds)))]()


def _one_of(about: dict[str, Json], values: list[Json]) -> Typed:
    return {**about, "enum": values}, st.sampled_from(values)


@st.composite
def types(draw: st.DrawFn, schemas: Mapping[str, Values], depth: int = 0) -> Typed:
    """A type of any kind. schemas: values of the catalog's own, by name."""
    kinds: dict[str, Callable[[], Typed]] = {
        "scalar": lambda: draw(scalars()),
        "text": lambda: ({"type": "string"}, TEXTS),
        "array": lambda: _array(*draw(types(schemas, depth + 1))),
        "map": lambda: ({"schema": INTEGERS}, st.dictionaries(TEXTS, st.integers(-9, 9), max_size=2)),
        "any": lambda: ({"type": "any"}, st.sampled_from((None, {}, [], {"a": [1, None, "x"]}, "null", 1.5, True))),
        "union": lambda: draw(unions()),
        "nullable": lambda: _nullable(*draw(types(schemas, depth + 1))),
    }
    if depth < DEEPEST:
        kinds["object"] = lambda: _object(*draw(members(schemas, depth + 1)))
    for name, values in schemas.items():
        kinds[f"#{name}"] = lambda name=name, values=values: ({"$ref": f"#/schemas/{name}"}, values)
    return kinds[draw(st.sampled_from(sorted(kinds)))]()


def _array(items: dict[str, Json], values: Values) -> Typed:
    return {"type": "array", "items": items, "maxItems": 3}, st.lists(values, max_size=3)


def _nullable(about: dict[str, Json], values: Values) -> Typed:
    return {**about, "nullable": True}, st.none() | values


def _object(fields: list[dict[str, Json]], values: Values) -> Typed:
    return {"type": "object", "fields": fields}, values


@st.composite
def members(draw: st.DrawFn, schemas: Mapping[str, Values], depth: int) -> tuple[list[dict[str, Json]], Values]:
    """The fields of an object, and objects of them."""
    names = draw(some_of(NAMES, least=1, most=4))
    fields, needed, wanted = [], {}, {}
    for name in names:
        about, values = draw(types(schemas, depth))
        required = draw(st.booleans())
        fields.append({"name": name, "required": required, **about, **draw(said())})
        (needed if required else wanted)[name] = values
    return fields, st.fixed_dictionaries(needed, optional=wanted)


@st.composite
def unions(draw: st.DrawFn) -> Typed:
    """Alternatives that are told apart by their types, or by a member."""
    if draw(st.booleans()):
        return {"schema": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}, st.integers(-9, 9) | TEXTS
    tag = draw(st.sampled_from(("kind", "@type", "class", "model_config")))
    variants = [
        {
            "type": "object",
            "properties": {tag: {"type": "string", "enum": [name]}, "v": {"type": kind}},
            "required": [tag, "v"],
        }
        for name, kind in (("one", "integer"), ("two", "string"))
    ]
    values = [st.fixed_dictionaries({tag: st.just("one"), "v": st.integers(0, 9)})]
    values.append(st.fixed_dictionaries({tag: st.just("two"), "v": TEXTS}))
    return {"schema": {"oneOf": variants}}, st.one_of(values)


@st.composite
def said(draw: st.DrawFn) -> dict[str, Json]:
    """What is said about a field."""
    text = draw(st.sampled_from(("", "", '"""', "\\", "#", "{% raw %}", "{{ x }}", "ñ\n'''\n", "\x00")))
    return {"description": text} if text else {}


@st.composite
def named(draw: st.DrawFn) -> tuple[dict[str, Json], dict[str, Values]]:
    """The catalog's own types: recursive ones, ones made of parts; and values of each."""
    names = draw(some_of(("Node", "class", "Model", "Any", "a-b", "a_b", "ñ", "x.y"), most=3))
    schemas: dict[str, Json] = {}
    values: dict[str, Values] = {}
    for name in names:
        ref = {"$ref": f"#/schemas/{name}"}
        if draw(st.booleans()):
            properties = {"value": {"type": "integer"}, "next": ref, "all": {"type": "array", "items": ref}}
            schemas[name] = {"type": "object", "properties": properties, "required": ["value"]}
            leaf = st.fixed_dictionaries({"value": st.integers(-9, 9)})
            values[name] = st.recursive(leaf, _nodes, max_leaves=4)
        else:
            base = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
            more = {"type": "object", "properties": {"self": {"type": "integer"}, "copy": {"type": "boolean"}}}
            schemas[name] = {"allOf": [base, more]}
            optional = {"self": st.integers(-9, 9), "copy": st.booleans()}
            values[name] = st.fixed_dictionaries({"id": TEXTS}, optional=optional)
    return schemas, values


def _nodes(inner: Values) -> Values:
    optional = {"next": inner, "all": st.lists(inner, max_size=2)}
    return st.fixed_dictionaries({"value": st.integers(-9, 9)}, optional=optional)


AUTHS: tuple[Json, ...] = (
    "none",
    {"type": "apiKey", "in": "header", "name": "X-Key", "env": "KEY"},
    {"type": "apiKey", "in": "query", "name": "api_key", "env": "QUERY_KEY"},
    {"type": "apiKey", "in": "cookie", "name": "sid", "env": "COOKIE_KEY"},
    {"type": "bearer", "env": "TOKEN"},
    {"type": "basic", "usernameEnv": "USER_NAME", "passwordEnv": "PASS_WORD"},
    [{"type": "bearer", "env": "TOKEN"}, {"type": "apiKey", "in": "query", "name": "api_key", "env": "QUERY_KEY"}],
)
STYLES: Mapping[str, tuple[tuple[str, bool], ...]] = {
    "path": (("simple", False), ("simple", True), ("label", True), ("label", False)),
    "query": (("form", True), ("form", False), ("spaceDelimited", False), ("pipeDelimited", False)),
    "header": (("simple", False), ("simple", True)),
    "cookie": (("form", False),),
}


@st.composite
def inputs(draw: st.DrawFn, place: str, name: str) -> tuple[dict[str, Json], Values]:
    """An input outside of the body."""
    about, values = draw(scalars(place))
    if draw(st.integers(0, 3)) == 0:
        style, explode = draw(st.sampled_from(STYLES[place]))
        least = 1 if place == "path" else 0
        about = {"type": "array", "items": about, "style": style, "explode": explode}
        words = values if place not in SAFE else values.filter(lambda one: one != "")
        values = st.lists(words, min_size=least, max_size=3)
    required = place == "path" or draw(st.booleans())
    return {"name": name, "in": place, "required": required, **about, **draw(said())}, values


@st.composite
def apis(draw: st.DrawFn, name: str, schemas: Mapping[str, Values]) -> dict[str, Json]:
    """An API with one example, or none."""
    placeholders = draw(some_of(("id", "self", "a-b", "class", "x.y", "ctx"), most=2))
    method = draw(st.sampled_from(("GET", "POST", "PUT", "PATCH", "DELETE")))
    places = [("path", one) for one in placeholders]
    for place, known in (("query", NAMES), ("header", TOKENS), ("cookie", TOKENS)):
        places += [(place, one) for one in draw(st.lists(st.sampled_from(known), max_size=2, unique_by=str.lower))]
    found = [(place, *draw(inputs(place, one))) for place, one in places]
    api: dict[str, Json] = {
        "name": name,
        "description": draw(st.sampled_from(("", "Find it", '"""', "\\"))),
        "httpMethod": method,
        "endpoint": "/v1" + "".join(f"/{{{one}}}" for one in placeholders) + draw(st.sampled_from(("", "/x", "/x:do"))),
        "tags": draw(st.lists(st.sampled_from(("class", "Ñ", "models", "a b")), max_size=1)),
    }
    if draw(st.booleans()):
        api["auth"] = draw(st.sampled_from(AUTHS))
    body, body_values = draw(bodies(schemas)) if method not in ("GET", "DELETE") else ({}, {})
    api |= body
    found += [("body", one, body_values[one["name"]]) for one in body.get("inputs", [])]
    output, answers = draw(outputs(schemas))
    api |= output | {"inputs": [one for _, one, _ in found]}
    given = {(place, one["name"]): values for place, one, values in found if one["required"] or draw(st.booleans())}
    made = {key: draw(values) for key, values in given.items()}
    if "body" in body_values and "inputs" not in body:
        made["body", "body"] = draw(body_values["body"])
    return api | {"x-given": [[*key, value] for key, value in made.items()], "x-answer": draw(answers)}


@st.composite
def bodies(draw: st.DrawFn, schemas: Mapping[str, Values]) -> tuple[dict[str, Json], dict[str, Values]]:
    """What stands in the body: fields of JSON or of a form, or one value."""
    kind = draw(st.sampled_from(("none", "fields", "fields", "whole", "form", "text", "binary", "merge")))
    if kind in ("fields", "merge"):
        names = draw(some_of(NAMES, least=1, most=4))
        typed = {name: draw(types(schemas)) for name in names}
    elif kind == "form":
        typed = {name: draw(scalars()) for name in draw(some_of(NAMES, least=1, most=3))}
    else:
        typed = {}
    fields = [
        {"name": name, "in": "body", "required": draw(st.booleans()), **about} for name, (about, _) in typed.items()
    ]
    values = {name: made for name, (_, made) in typed.items()}
    more = {"form": {"contentType": "form"}, "merge": {"contentType": "application/merge-patch+json"}}.get(kind, {})
    if kind == "whole":
        about, made = draw(types(schemas))
        return {"body": about}, {"body": made}
    if kind == "text":
        return {"contentType": "text", "body": {"type": "string"}}, {"body": TEXTS}
    if kind == "binary":
        return {"contentType": "binary", "body": {"type": "file"}}, {"body": st.just("AAEC/w==")}
    return ({"inputs": fields} | more if fields else {}), values


@st.composite
def outputs(draw: st.DrawFn, schemas: Mapping[str, Values]) -> tuple[dict[str, Json], Values]:
    """An answer: an object, or any JSON."""
    if draw(st.integers(0, 3)):
        fields, values = draw(members(schemas, 0))
        return {"outputs": fields}, values.map(lambda one: {**one, "zz-unknown": {"ñ": [1, None]}})
    if draw(st.booleans()):
        return {}, st.sampled_from(({}, {"a": 1}))
    if schemas:
        name = draw(st.sampled_from(sorted(schemas)))
        return {"output": {"type": "array", "items": {"$ref": f"#/schemas/{name}"}}}, st.lists(
            schemas[name], max_size=2
        )
    return {"output": {"type": ["string", "null"]}}, st.none() | TEXTS


@st.composite
def catalogs(draw: st.DrawFn) -> dict[str, Json]:
    """A catalog; each API has a call of it under `x-given`, and its answer under `x-answer`."""
    schemas, values = draw(named())
    names = draw(some_of(NAMES, least=1, most=3))
    return {
        "gateways": {"main": {"baseUrl": "${BASE_URL}/base", "auth": draw(st.sampled_from(AUTHS))}},
        "schemas": schemas,
        "apis": [draw(apis(name, values)) for name in names],
    }
