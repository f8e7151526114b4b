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
    "greater_than": lambda c: (f"must be greater than {c['gt']}", "raise it"),
    "greater_than_equal": lambda c: (f"must be at least {c['ge']}", "raise it"),
    "less_than_equal": lambda c: (f"must be at most {c['le']}", "lower it"),
    "string_too_short": lambda c: (f"must have at least {c['min_length']} character", "fill it in"),
    "string_too_long": lambda c: (f"must have at most {c['max_length']} characters", "shorten it"),
    "too_short": lambda c: (f"must have at least {c['min_length']} member", "add one, or leave the key out"),
    "union_tag_not_found": lambda _: ("has no type", "add the key 'type'"),
}
_KINDS: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_PATTERNS: Mapping[str, str] = {
    "env": "write the name of an environment variable, such as BILLING_TOKEN; never the secret itself",
    "$ref": "write '#/schemas/NAME'; other references go into a 'schema'",
    "version": "write numbers with dots, such as 1.0.0",
    "httpMethod": "write an HTTP method, such as GET or POST",
}
_NAME_PATTERN = "use letters, digits and '-' or '_', starting with a lower-case letter"


def problems(error: ValidationError, root: type[BaseModel], data: JsonValue) -> list[Problem]:
    """Each thing that Pydantic refused, once, in its order."""
    found = [_problem(details, root, data) for details in error.errors(include_url=False)]
    return list(dict.fromkeys(found))


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean …?' for a slip, else the words to choose from."""
    choices = sorted(known)
    if match := difflib.get_close_matches(word, choices, n=1, cutoff=0.6):
        return f"did you mean {shown(match[0])}?"
    folded = {choice.casefold().replace("_", "").replace("-", ""): choice for choice in choices}
    if same := folded.get(word.casefold().replace("_", "").replace("-", "")):
        return f"did you mean {shown(same)}?"
    return "use one of " + ", ".join(map(shown, choices)) if choices else "remove it"


def _problem(details: ErrorDetails, root: type[BaseModel], data: JsonValue) -> Problem:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    pointer = _pointer(details["loc"], data, missing=kind == "missing")
    if kind == "extra_forbidden":
        key = str(pointer[-1])
        return Problem(
            pointer, f"unknown key {shown(key)}", nearest(key, _known_keys(root, details["loc"])), at_key=True
        )
    if kind == "union_tag_invalid":
        choices = _choices(context["expected_tags"])
        return Problem((*pointer, "type"), f"unknown type {shown(context['tag'])}", nearest(context["tag"], choices))
    if kind == "literal_error":
        said = f"unknown {_noun(pointer)} {shown(value)}" if isinstance(value, str) else f"found {_kind(value)}"
        return Problem(pointer, said, nearest(str(value), _choices(context["expected"])))
    return Problem(pointer, *_said(details, pointer))


def _said(details: ErrorDetails, pointer: Pointer) -> tuple[str, str]:
    kind, value = details["type"], details["input"]
    if kind == "string_pattern_mismatch":
        return _pattern(pointer, str(value))
    if kind in _KINDS:
        return f"expected {_KINDS[kind]}, found {_kind(value)}", f"write {_KINDS[kind]}"
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
    return f"{shown(value)} cannot stand here", _PATTERNS.get(key, _NAME_PATTERN)


def _noun(pointer: Pointer) -> str:
    return next((part for part in reversed(pointer) if isinstance(part, str)), "value")


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), "something else")
