"""Words of a command line, or a JSON file → a process's typed input."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.errors import InputError, LoadError, printable, shown

InputT = TypeVar("InputT", bound=BaseModel)


class GivenTwiceError(Exception):
    """A member of a JSON object is there twice; the text names it as it may be shown."""


def read(model: type[InputT], pairs: Sequence[str], document: str | None = None) -> InputT:
    """The input from `name=value` pairs, which win over those of a JSON object.

    Raises InputError with every problem.
    """
    given = _from_json(document) if document is not None else {}
    named, problems = _from_pairs(pairs)
    value, refused = check(model, given, named, known(model))
    problems += refused
    if problems or value is None:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"the inputs have {count}:", *(f"  {problem}" for problem in problems)]
        raise InputError("\n".join(lines), hint="\n    ".join(["the inputs are:", *describe(model)]))
    return value


def check(
    model: type[InputT], given: dict[str, Any], named: dict[str, str], names: frozenset[str] | None
) -> tuple[InputT | None, list[str]]:
    """The input from JSON values and from words, which win, or everything that is wrong with them.

    `names` are those that the input knows; None takes any.
    """
    problems = _unknown(names, [*given, *named])
    try:
        value = _validated(model, given, named)
    except ValidationError as error:
        return None, problems + _explained(model, error)
    return (None if problems else value), problems


def known(model: type[BaseModel]) -> frozenset[str] | None:
    """The names of a process's inputs; None where it takes any."""
    if model.model_config.get("extra") == "allow":
        return None
    return frozenset({*_schema(model).get("properties", {}), *model.model_fields})


def required(model: type[BaseModel]) -> list[str]:
    """The names of the inputs that must be given."""
    return list(_schema(model).get("required", ()))


def describe(model: type[BaseModel]) -> list[str]:
    """One line for each input: its name, its type, whether it must be given, and its description."""
    schema = _schema(model)
    required = set(schema.get("required", ()))
    rows = []
    for name, field in schema.get("properties", {}).items():
        need = "required" if name in required else f"default {json.dumps(field.get('default'), ensure_ascii=False)}"
        example = f" (such as {field['examples'][0]})" if field.get("examples") else ""
        rows.append((name, type_words(field), need, f"{field.get('description', '')}{example}".strip()))
    if not rows:
        return ["(none)"]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        printable("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip())
        for row in rows
    ]


@cache  # to generate a schema costs more than to put a row into the queue, and each submission asks thrice
def _schema(model: type[BaseModel]) -> Mapping[str, Any]:
    try:
        return model.model_json_schema()
    except PydanticInvalidForJsonSchema as error:
        hint = "give it fields of types that JSON has"
        raise LoadError(f"the input {model.__name__} cannot be described: {error.message}", hint=hint) from error


def type_words(schema: dict[str, Any]) -> str:
    """A JSON Schema's type in a few words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(type_words(each) for each in schema["anyOf"] if each.get("type") != "null")
    return str(schema.get("format") or schema.get("type") or schema.get("$ref", "any").rpartition("/")[2])


def _from_json(document: str) -> dict[str, Any]:
    hint = 'it must hold one object of inputs, such as {"name": "value"}'
    try:
        given = json.loads(document, object_pairs_hook=once)
    except GivenTwiceError as error:
        raise InputError(f"--input-json: {error}", hint="keep one") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"--input-json: {place}: {error.msg}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise InputError("--input-json: it is too deep, or holds too long a number", hint=hint) from error
    if not isinstance(given, dict):
        raise InputError("--input-json: it holds no object", hint=hint)
    return given


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, as `json.loads` has it made. Raises GivenTwiceError."""
    if len(given := dict(pairs)) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise GivenTwiceError(f"{shown(next(name for name, count in counts.items() if count > 1))}: given twice")
    return given


def _from_pairs(pairs: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    named: dict[str, str] = {}
    problems = []
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            problems.append(f"{shown(pair)}: write it as name=value")
        elif name in named:
            problems.append(f"{printable(name)}: given twice")
        else:
            named[name] = value
    return named, problems


def _unknown(names: frozenset[str] | None, given: Iterable[str]) -> list[str]:
    return [unknown_input(name, names) for name in dict.fromkeys(given) if names is not None and name not in names]


def unknown_input(name: str, names: frozenset[str]) -> str:
    """That there is no such input, and which may have been meant."""
    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"{shown(name)}: there is no such input" + (f"; did you mean {near[0]}?" if near else "")


def _validated(model: type[InputT], given: dict[str, Any], named: dict[str, str]) -> InputT:
    """Take each word of the command line as text; where the input wants a list or an object, as JSON."""
    try:
        return model.model_validate(given | named)
    except ValidationError as error:
        refused = {str(each["loc"][0]) for each in error.errors(include_input=False, include_url=False) if each["loc"]}
        parsed = {name: _json_or_text(text) for name, text in named.items() if name in refused}
        return model.model_validate(given | named | parsed)


def _json_or_text(text: str) -> Any:  # noqa: ANN401 - any JSON
    if not text.startswith(("[", "{")) and text != "null":
        return text
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text


def _explained(model: type[BaseModel], error: ValidationError) -> list[str]:
    properties = _schema(model).get("properties", {})
    problems = []
    for each in error.errors(include_url=False):
        place = ".".join(map(str, each["loc"]))
        if each["type"] == "extra_forbidden":
            continue  # told by _unknown, with the nearest name
        if each["type"] == "missing":
            problems.append(f"{printable(place)}: is missing")
            continue
        personal = masking.names(model)
        secret = bool(each["loc"]) and "password" in type_words(properties.get(str(each["loc"][0]), {}))
        secret = secret or any(part in personal for part in each["loc"])
        given = masking.masked_data(each["input"], personal)
        value = "" if secret or isinstance(given, dict) else f"; it is {shown(str(given))}"
        message = each["msg"].removeprefix("Value error, ").removeprefix("Input ")
        problems.append(f"{printable(place) or 'together'}: {printable(message)}{value}")
    return problems
