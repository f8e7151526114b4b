"""Values as they stand in a path, a query, a header or a cookie (OpenAPI's parameter styles), read into their types."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from mcp_codegen.checked import Parameter
from mcp_codegen.schema import Schema

EXACT: Final = 2**53
ABSENT: Final = object()
"""In place of an input that a request leaves out."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,300}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
_PLACES: Final = {"query": "query", "cookie": "cookies", "body": "body"}
_SEPARATORS: Final[Mapping[str, str]] = {
    "form": ",",
    "simple": ",",
    "spaceDelimited": r"%20|\+| ",
    "pipeDelimited": r"%7[Cc]|\|",
}

Schemas = Mapping[str, Schema]


def resolved(schema: Schema, schemas: Schemas) -> Schema:
    """What a reference stands for."""
    while schema.kind == "ref":
        schema = schemas[schema.ref]
    return schema


def from_query(
    one: Parameter, schema: Schema, schemas: Schemas, query: Mapping[str, Sequence[str]], used: set[str]
) -> Any:  # noqa: ANN401 - JSON
    """A value out of pairs whose values are still encoded; the names that it takes are added to `used`."""
    if one.style == "deepObject":
        return _deep(one.name, schema, schemas, query, used)
    if schema.kind == "object" and one.explode and one.style != "json":
        pairs = _apart(schema, query, used)
        used |= {name for name, _, _ in pairs}
        return {key: _member(values, key, schema, schemas) for _, key, values in pairs} if pairs else ABSENT
    given = query.get(one.name)
    if given is None:
        return ABSENT
    used.add(one.name)
    if schema.kind == "array" and one.explode:
        return [typed(unquote_plus(text), schema.items, schemas) for text in given]
    if len(given) > 1:
        raise ValueError(f"stands {len(given)} times in the {_PLACES[one.place]}")
    return from_text(one, schema, schemas, given[0], quoted=True)


def from_text(one: Parameter, schema: Schema, schemas: Schemas, text: str, *, quoted: bool) -> Any:  # noqa: ANN401
    """A value out of one text. quoted: it is still encoded, so that its separators can be told from its words."""
    separator = _SEPARATORS.get(one.style, ",")
    if one.style == "label":
        text, separator = text.removeprefix("."), r"\." if one.explode else ","
    if one.style == "matrix":
        prefix = f";{one.name}="
        separator = f";(?:{re.escape(one.name)}=)?" if one.explode else ","
        text = text.removeprefix(prefix) if text.startswith(prefix) else text.removeprefix(";")
    read = unquote_plus if quoted else str
    if one.style == "json":
        return _json(read(text))
    if schema.kind not in ("array", "object"):
        return typed(read(text), schema, schemas)
    words = [read(word) for word in re.split(separator, text)]
    if schema.kind == "array":
        return [typed(word, schema.items, schemas) for word in words]
    if one.explode:
        pairs = [word.partition("=")[::2] for word in words]
    else:
        pairs = list(zip(words[::2], words[1::2], strict=False))
    return {unquote(key): typed(word, _of_member(key, schema), schemas) for key, word in pairs}


def _apart(schema: Schema, query: Mapping[str, Sequence[str]], used: set[str]) -> list[tuple[str, str, Sequence[str]]]:
    """The members of an object that stand apart: under their own names, or any that nothing else takes."""
    names = {member.name for member in schema.members}
    any_name = schema.open or schema.values is not None or not schema.members
    return [(name, name, given) for name, given in query.items() if name in names or (any_name and name not in used)]


def _deep(
    name: str, schema: Schema, schemas: Schemas, query: Mapping[str, Sequence[str]], used: set[str]
) -> Any:  # noqa: ANN401 - JSON
    """`name[key][key]=value`, at any depth; the keys of a list are numbers."""
    tree: dict[str, Any] = {}
    for key, given in query.items():
        if not re.fullmatch(re.escape(name) + r"(?:\[[^\[\]]*\])+", key):
            continue
        used.add(key)
        *outer, last = re.findall(r"\[([^\[\]]*)\]", key.removeprefix(name))
        node = tree
        for part in outer:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise ValueError("has a value and members")  # noqa: TRY004 - of what came, not of a type
        node[last] = given
    return _grown(tree, schema, schemas) if tree else ABSENT


def _grown(node: Any, schema: Schema | None, schemas: Schemas) -> Any:  # noqa: ANN401 - JSON
    schema = resolved(schema, schemas) if schema else None
    if isinstance(node, dict):
        if schema and schema.kind == "array":
            return [_grown(one, schema.items, schemas) for one in node.values()]
        return {key: _grown(one, _of_member(key, schema) if schema else None, schemas) for key, one in node.items()}
    if schema and schema.kind == "array":
        return [typed(unquote_plus(text), schema.items, schemas) for text in node]
    return typed(unquote_plus(node[0]), schema, schemas)


def _member(given: Sequence[str], key: str, schema: Schema, schemas: Schemas) -> Any:  # noqa: ANN401 - JSON
    member = _of_member(key, schema)
    plain = resolved(member, schemas) if member else None
    if plain and plain.kind == "array":
        return [typed(unquote_plus(text), plain.items, schemas) for text in given]
    return typed(unquote_plus(given[0]), member, schemas)


def _of_member(key: str, schema: Schema) -> Schema | None:
    return next((member.schema for member in schema.members if member.name == key), schema.values)


def typed(text: str, schema: Schema | None, schemas: Schemas) -> Any:  # noqa: ANN401 - JSON
    """A text in its type; nothing is known of one without. Raises `ValueError`."""
    schema = resolved(schema, schemas) if schema else None
    kind = schema.kind if schema else "any"
    if kind == "union" and schema:
        return next(_of_variants(text, schema, schemas), text)
    if kind == "integer":
        if not _INTEGER.fullmatch(text):
            raise ValueError("is not a whole number")
        return int(text)
    if kind in ("number", "decimal"):
        if not _NUMBER.fullmatch(text):
            raise ValueError("is not a number")
        return int(text) if _INTEGER.fullmatch(text) else number(text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError("is neither true nor false")
        return text == "true"
    if kind in ("object", "array"):
        return _json(text)
    return text


def _json(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error


def _of_variants(text: str, schema: Schema, schemas: Schemas) -> Iterator[Any]:
    order = ("boolean", "integer", "number", "decimal", "object", "array")
    variants = [resolved(one, schemas) for one in schema.variants]
    for one in sorted(variants, key=lambda one: order.index(one.kind) if one.kind in order else len(order)):
        try:
            yield typed(text, one, schemas)
        except ValueError:
            continue


def number(text: str) -> float:
    """A number; a whole one as an int, so that 1.0 and 1 are the same input. Raises `ValueError`."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("is not a number that can be read")
    return int(value) if value.is_integer() and abs(value) < EXACT else value
