"""Values that a description's schemas allow, edges among them: strategies for hypothesis."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from hypothesis import strategies as st

from tests.corpus.descriptions import Description, Operation, Parameter

Json = Any
Values = st.SearchStrategy[Any]
Direction = Literal["request", "answer"]

EDGES = (
    "", " ", "a b", "null", "true", "12", "/", "?", "&", "=", "#", "%", "%2F", "+", ",", ";", ":", "@",
    "a/b?c&d=e#f%20g+h,i;j", "..", "ñ", "日本", "😀", "\"", "\\", "{x}", "[1]", "|", "'", "\n", "\x00", "~._-",
)  # fmt: skip
PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=8)
TEXTS = st.sampled_from(EDGES) | st.text(max_size=6)
MOMENTS = ("2025-12-31T23:59:59Z", "2025-01-02T03:04:05.678+02:00", "1999-12-31T00:00:00-03:00")
FORMATS: Mapping[str, Values] = {
    "date": st.dates().map(str),
    "date-time": st.sampled_from(
        ("2025-12-31T23:59:59Z", "2025-01-02T03:04:05.678+02:00", "1999-12-31T00:00:00-03:00")
    ),
    "uuid": st.uuids().map(str),
    "email": st.just("someone@example.com"),
    "uri": st.sampled_from(("https://example.com/a?b=c&d=%20#e", "urn:x:y")),
    "byte": st.just("aGVsbG8="),
}
LIMITS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
DEEPEST = 4
"""Optional members end there, so that recursion does."""


class Maker:
    """Makes values for one description."""

    def __init__(self, description: Description, direction: Direction, *, more: bool = False) -> None:
        self._of = description
        self._direction = direction
        self._more = more
        """Whether objects have members that their schema does not name."""

    def value(self, schema: Json, depth: int = 0) -> Values:
        """A value that the schema allows."""
        return st.deferred(lambda: self._value(self.flat(schema), depth))

    def flat(self, schema: Json) -> dict[str, Json]:
        """The schema without references and `allOf` at its top."""
        schema = self._of.resolved(schema)
        if not isinstance(schema, dict):
            return {}
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema.get("allOf", ()):
            whole = _both(whole, self.flat(part))
        return whole

    def _value(self, schema: dict[str, Json], depth: int) -> Values:
        kinds = schema.get("type")
        nullable = schema.get("nullable") or schema.get("x-nullable") or (isinstance(kinds, list) and "null" in kinds)
        one = self._not_null(schema, depth)
        return st.none() | one if nullable and depth else one

    def _not_null(self, schema: dict[str, Json], depth: int) -> Values:
        for word in ("oneOf", "anyOf"):
            if word in schema:
                return self._one_of(schema, word, depth)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if values:
            return st.sampled_from([value for value in values if value is not None])
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = [one for one in kind if one != "null"]
            return st.one_of(*(self._not_null({**schema, "type": one}, depth) for one in kinds))
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else None
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        return _scalar(schema, kind) if kind else st.sampled_from(({}, {"a": [1, None]}, "x", 1.5, [], True))

    def _one_of(self, schema: dict[str, Json], word: str, depth: int) -> Values:
        rest = {key: value for key, value in schema.items() if key not in (word, "discriminator")}
        about = schema.get("discriminator")
        named = {ref: name for name, ref in about.get("mapping", {}).items()} if isinstance(about, dict) else {}
        made = []
        for one in schema[word]:
            whole = _both(rest, self.flat(one))
            if isinstance(about, dict) and about["propertyName"] in whole.get("properties", {}):
                reference = one.get("$ref", "")
                said = named.get(reference) or reference.rpartition("/")[2]
                tag = {about["propertyName"]: {"type": "string", "enum": [said]}}
                whole = _both(whole, {"properties": tag, "required": [about["propertyName"]]})
            made.append(self._not_null(whole, depth))
        return st.one_of(*made)

    def _object(self, schema: dict[str, Json], depth: int) -> Values:
        # OpenAPI 3.0 ignores what stands beside a reference; a readOnly there is meant all the same
        required = set(schema.get("required", ()))
        left_out = "readOnly" if self._direction == "request" else "writeOnly"
        members = {
            name: inner
            for name, inner in schema.get("properties", {}).items()
            if not (inner.get(left_out) or self.flat(inner).get(left_out)) and (depth < DEEPEST or name in required)
        }
        needed = {name: self.value(inner, depth + 1) for name, inner in members.items() if name in required}
        needed |= {name: st.just("any") for name in required - schema.get("properties", {}).keys()}
        wanted = {name: self.value(inner, depth + 1) for name, inner in members.items() if name not in required}
        made: Values = st.fixed_dictionaries(needed, optional=wanted)
        least = schema.get("minProperties", 0)
        if least > len(needed):
            made = made.filter(lambda value: len(value) >= least)
        more = schema.get("additionalProperties")
        if more is None or more is False:
            unknown = self._more and more is None and self._direction == "answer"
            return made.map(lambda value: {"x-unknown": {"ñ": [1, None]}, **value}) if unknown else made
        inner = self.value(more if isinstance(more, dict) else {}, depth + 1)
        names = PRINTABLE.filter(lambda name: name not in schema.get("properties", {}))
        extra = st.dictionaries(names, inner, max_size=2) if depth < DEEPEST else st.just({})
        return st.tuples(made, extra).map(lambda pair: {**pair[1], **pair[0]})

    def _array(self, schema: dict[str, Json], depth: int) -> Values:
        least = schema.get("minItems", 0)
        most = max(least, min(schema.get("maxItems", 3), least + 2 if depth < DEEPEST else least))
        return st.lists(self.value(schema.get("items", {}), depth + 1), min_size=least, max_size=most)

    # --- what a caller passes ----------------------------------------------------------------------------------------

    def parameter(self, one: Parameter) -> Values:
        """A value for its place: what can stand in no path or header is not tried."""
        made = self.value(one.schema)
        if one.place == "path":
            return made.filter(_stands_in_a_path)
        return made.filter(_stands_in_a_header) if one.place in ("header", "cookie") else made

    def parameters(self, operation: Operation) -> Values:
        """Values of an operation's parameters, by place and name; some of the optional ones."""
        mine = [one for one in operation.parameters if not is_ignored(one)]
        needed = {(one.place, one.name): self.parameter(one) for one in mine if one.required or one.place == "path"}
        wanted = {(one.place, one.name): self.parameter(one) for one in mine if (one.place, one.name) not in needed}
        return st.fixed_dictionaries(needed, optional=wanted)


def is_ignored(one: Parameter) -> bool:
    """OpenAPI 3.0.4, "Parameter Object": header parameters of these names shall be ignored."""
    return one.place == "header" and one.name.lower() in ("accept", "content-type", "authorization")


def _both(one: dict[str, Json], other: Mapping[str, Json]) -> dict[str, Json]:
    """What fits both schemas, as far as descriptions use it."""
    whole = {**one, **other}
    properties = dict(one.get("properties", {}))
    for name, inner in other.get("properties", {}).items():
        properties[name] = {"allOf": [properties[name], inner]} if name in properties else inner
    if properties:
        whole["properties"] = properties
    if required := [*one.get("required", ()), *other.get("required", ())]:
        whole["required"] = list(dict.fromkeys(required))
    if "enum" in one and "enum" in other:
        whole["enum"] = [value for value in one["enum"] if value in other["enum"]]
    for word, pick in (("minLength", max), ("maxLength", min), ("minimum", max), ("maximum", min)):
        if word in one and word in other:
            whole[word] = pick(one[word], other[word])
    if "pattern" in one and "pattern" in other and one["pattern"] != other["pattern"]:
        whole["patterns"] = [one["pattern"], other["pattern"]]
    return whole


def _scalar(schema: dict[str, Json], kind: str) -> Values:
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        low, high = LIMITS.get(schema.get("format", ""), LIMITS["int64"])
        return st.integers(*_range(schema, low, high)) | st.sampled_from([max(low, schema.get("minimum", 0))])
    if kind == "number":
        low, high = _range(schema, -1e15, 1e15)
        if step := schema.get("multipleOf"):
            steps = st.integers(math.ceil(low / step / 2), int(high / step / 2))
            return steps.map(lambda count: float(Decimal(count) * Decimal(str(step))))
        made = st.floats(low, high, allow_nan=False, allow_infinity=False) | st.integers(math.ceil(low), int(high))
        return made.filter(lambda value: _is_within(value, schema))
    return _text(schema)


def _range(schema: dict[str, Json], low: Any, high: Any) -> tuple[Any, Any]:
    return max(low, schema.get("minimum", low)), min(high, schema.get("maximum", high))


def _is_within(value: float, schema: dict[str, Json]) -> bool:
    return schema.get("exclusiveMinimum") is not True or value != schema["minimum"]


def _text(schema: dict[str, Json]) -> Values:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10**6)
    patterns: Sequence[str] = schema.get("patterns") or [one for one in [schema.get("pattern")] if one]
    if patterns:
        ascii_only = st.characters(max_codepoint=0x7E)
        made: Values = st.from_regex(re.compile(patterns[0]), alphabet=ascii_only)
        for other in patterns:
            made = made.filter(re.compile(other.replace("$", r"\Z") if other.endswith("$") else other).search)
    elif schema.get("format") in FORMATS:
        made = FORMATS[schema["format"]]
    elif least > 6 or most < 6:
        return st.text(min_size=least, max_size=min(most, least + 6))
    else:
        made = TEXTS
    return made.filter(lambda value: least <= len(value) <= most)


def _stands_in_a_path(value: Json) -> bool:
    """An empty segment, or one of dots, would be another path: these are refused, and tested elsewhere."""
    return value not in ("", ".", "..", []) and value is not None


def _stands_in_a_header(value: Json) -> bool:
    """RFC 9110, section 5.5: visible characters, and blanks between them."""
    members = value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]
    texts = [one for one in members if isinstance(one, str)]
    return all(re.fullmatch(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?", text) for text in texts)
