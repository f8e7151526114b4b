"""Whether values that a catalog gives, its defaults and its examples, fit their types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

import jsonschema
from jsonschema.validators import extend
from pydantic_core import SchemaValidator, ValidationError, core_schema

from mcp_codegen.errors import Pointer, Problem, shown
from mcp_codegen.patterns import for_engine


def unfit(value: object, schema: Mapping[str, Any], where: Pointer) -> Iterator[Problem]:
    """Everything that keeps the value from fitting the JSON Schema."""
    for error in _innermost(_Validator(schema).iter_errors(value)):
        yield Problem((*where, *error.absolute_path), f"this does not fit its type: {_said(error)}", "mend one of them")


def _innermost(errors: Iterable[jsonschema.ValidationError]) -> Iterator[jsonschema.ValidationError]:
    """What is wrong with a value itself, where null would have done as well."""
    for error in errors:
        if error.validator == "anyOf":
            yield from _innermost(inner for inner in error.context or () if inner.schema != {"type": "null"})
        else:
            yield error


def _said(error: Any) -> str:  # noqa: ANN401 - jsonschema's error; its members are typed as possibly unset
    asked = error.validator_value
    if error.validator == "type":
        return f"expected {' or '.join(asked) if isinstance(asked, list) else asked}"
    if error.validator == "required":
        return f"it has no {_all(set(asked) - set(error.instance))}"
    if error.validator == "additionalProperties":
        return f"it may not have {_all(set(error.instance) - set(error.schema.get('properties', ())))}"
    if error.validator == "enum":
        return "it is not among the enum's values"
    return f"{error.validator} is {shown(str(asked))}"


def _all(words: Iterable[str]) -> str:
    return ", ".join(map(shown, sorted(words)))


def _pattern(_: object, pattern: str, value: object, __: object) -> Iterator[jsonschema.ValidationError]:
    """Patterns as the server checks them: in time that grows with the text, whatever the pattern."""
    if isinstance(value, str):
        try:
            SchemaValidator(core_schema.str_schema(pattern=for_engine(pattern))).validate_python(value)
        except ValidationError:
            yield jsonschema.ValidationError("no match")


def multiple_of(_: object, step: float, value: object, __: object) -> Iterator[jsonschema.ValidationError]:
    """Multiples as they are written: 9.886 is one of 0.001, though their floats leave a rest."""
    if isinstance(value, int | float) and not isinstance(value, bool) and Fraction(str(value)) % Fraction(str(step)):
        yield jsonschema.ValidationError("no multiple")


_Validator: Final[Any] = extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"pattern": _pattern, "multipleOf": multiple_of}
)
