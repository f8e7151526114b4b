"""Pydantic's errors in the words of the language: one problem for each, where it stands in the file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from mcp_codegen.errors import Pointer, Problem, shown

Says = Callable[[Mapping[str, Any]], tuple[str, str]]
"""From an error's context to what is wrong and what to do."""

_SAYS: Mapping[str, Says] = {
    "missing": lambda _: ("this key is missing", "add it"),
    "greater_than": lambda c: (f"must be greater than {c['gt']:g}", "raise it"),
    "greater_than_equal": lambda c: (f"must be at least {c['ge']:g}", "raise it"),
    "less_than_equal": lambda c: (f"must be at most {c['le']:g}", "lower it"),
    "string_too_short": lambda c: (f"must have at least {c['min_length']} character", "fill it in"),
    "string_too_long": lambda c: (f"must have at most {c['max_length']} characters", "shorten it"),
    "too_short": lambda c: (f"must have at least {c['min_length']} member", "add one, or leave the key out"),
    "license": lambda _: (
        "this is no SPDX license expression",
        "write one such as 'Apache-2.0', or 'LicenseRef-Proprietary' where no license of the list fits",
    ),
    "union_tag_not_found": lambda _: ("has no type", "add the key 'type'"),
}
_OBJECT = ("an object", "write { … } with keys and values")
_WHOLE = ("a whole number", "write it without quotes and decimals")
_KINDS: Mapping[str, tuple[str, str]] = {
    "string_type": ("text", "write text, in quotes"),
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": ("a number", "write it without quotes"),
    "bool_type": ("true or false", "write one of the two, without quotes"),
    "list_type": ("a list", "write [ … ], even around a single member"),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
}
"""What was expected, and how it is written."""
_NOUNS: Mapping[str, str] = {"in": "place"}
_PATTERNS: Mapping[str, str] = {
    "env": "write the name of an environment variable, such as BILLING_TOKEN; never the secret itself",
    "$ref": "write '#/schemas/NAME', and the type under 'schemas'",
    "version": "write numbers with dots, such as 1.0.0",
    "items": "write a JSON pointer such as /items; nothing for the whole answer",
    "next": "write a header's name, or a JSON pointer such as /nextCursor",
    "total": "write a header's name, or a JSON pointer such as /total",
    "namespace": "write a domain name from its end, such as com.example",
    "httpMethod": "write an HTTP method, such as GET or POST",
}
_NAME_PATTERN = "use lower-case letters, digits, and single '-' or '_' between them, starting with a letter"


def problems(error: ValidationError, root: type[BaseModel], data: JsonValue) -> list[Problem]:
    """Each thing that Pydantic refused, once, in its order; of a value's possible kinds the first is asked for."""
    found: dict[tuple[Pointer, str], Problem] = {}
    for details in error.errors(include_url=False):
        problem = _problem(details, root, data)
        found.setdefault((problem.pointer, "kind" if details["type"] in _KINDS else problem.message), problem)
    return list(found.values())


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean …?' for a slip, else the words to choose from."""
    choices = sorted(known)
    if match := difflib.get_close_matches(word, choices, n=1, cutoff=0.6):
        return f"did you mean {shown(match[0])}?"
    folded = {choice.casefold().replace("_", "").replace("-", ""): choice for choice in choices}
    if same := folded.get(word.casefold().replace("_", "").replace("-", "")):
        return f"did you mean {shown(same)}?"
    if len(choices) > 1:
        return "use one of " + ", ".join(map(shown, choices))
    return f"use {shown(choices[0])}" if choices else "remove it"


def kind_of(value: object) -> str:
    """What a value is, in the words of the language."""
    names = {bool: "true or false", int: "a number", float: "a decimal", str: "text", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), "something else")


def _problem(details: ErrorDetails, root: type[BaseModel], data: JsonValue) -> Problem:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    pointer = _pointer(details["loc"], data, missing=kind == "missing")
    if kind == "extra_forbidden":
        key, known = str(pointer[-1]), _known_keys(root, details["loc"])
        hint = nearest(key, known)
        if not hint.startswith("did"):
            hint = nearest("", known - _at(data, pointer[:-1]).keys())
        return Problem(pointer, f"unknown key {shown(key)}", hint, at_key=True)
    if kind == "union_tag_invalid":
        choices = _choices(context["expected_tags"])
        return Problem((*pointer, "type"), f"unknown type {shown(context['tag'])}", nearest(context["tag"], choices))
    if kind == "literal_error":
        said = f"unknown {_noun(pointer)} {shown(value)}" if isinstance(value, str) else _expected("text", value)
        return Problem(pointer, said, nearest(value if isinstance(value, str) else "", _choices(context["expected"])))
    return Problem(pointer, *_said(details, pointer))


def _said(details: ErrorDetails, pointer: Pointer) -> tuple[str, str]:
    kind, value = details["type"], details["input"]
    if kind == "string_pattern_mismatch":
        return _pattern(pointer, str(value))
    if kind in _KINDS:
        noun, hint = _KINDS[kind]
        return _expected(noun, value), hint if value is not None else "fill it in, or leave the key out"
    if kind in _SAYS:
        return _SAYS[kind](details.get("ctx", {}))
    return details["msg"], "see the catalog's JSON Schema"


def _choices(expected: str) -> list[str]:
    return [choice.strip("'") for choice in expected.replace(" or ", ", ").split(", ")]


def _pointer(loc: Pointer, data: JsonValue, *, missing: bool) -> Pointer:
    """The error's place without the names of union members, which are not in the file."""
    pointer: list[str | int] = []
    node: Any = data
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        inside = (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        if inside:
            node = node[part]
        if inside or (last and missing):
            pointer.append(part)
    return tuple(pointer)


def _at(data: Any, pointer: Pointer) -> Any:  # noqa: ANN401 - JSON
    for part in pointer:
        data = data[part]
    return data


def _known_keys(root: type[BaseModel], loc: Pointer) -> set[str]:
    """The keys that the object around an unknown key may have."""
    models = {root}
    for part in loc[:-1]:
        inner = {m for model in models for m in _models(_field_annotation(model, part))}
        tagged = {model for model in models if _tag(model) == part}
        models = inner or tagged or models
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _field_annotation(model: type[BaseModel], key: str | int) -> Any:  # noqa: ANN401 - a type
    return next((f.annotation for name, f in model.model_fields.items() if (f.alias or name) == key), None)


def _models(annotation: Any) -> set[type[BaseModel]]:  # noqa: ANN401 - a type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in _models(part)}


def _tag(model: type[BaseModel]) -> str:
    field = model.model_fields.get("type")
    choices = get_args(field.annotation) if field else ()
    return str(choices[0]) if len(choices) == 1 else ""


def _pattern(pointer: Pointer, value: str) -> tuple[str, str]:
    key = str(pointer[-1]) if pointer else ""
    if key == "env" or key.endswith("Env"):
        return "not the name of an environment variable", _PATTERNS["env"]
    if pointer[-2:] == ("auth", "name"):  # the credential may stand in it
        return "not the name of a header, a parameter or a cookie", "write the name alone, such as X-Api-Key"
    return f"{shown(value)} cannot stand here", _PATTERNS.get(key, _NAME_PATTERN)


def _noun(pointer: Pointer) -> str:
    key = next((part for part in reversed(pointer) if isinstance(part, str)), "value")
    return _NOUNS.get(key, key)


def _expected(noun: str, value: object) -> str:
    return f"expected {noun}, found {kind_of(value)}"
