"""Values that outlive a process: what a step returns, as JSON and back.

A step's value is handed on only after it went through this form, whatever the engine: a process can thus never come to
depend on something that a replayed step would not bring back.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from mcp_codegen.orchestrator import masking
from mcp_codegen.orchestrator.errors import MisuseError
from mcp_codegen.orchestrator.record import Stored

ModelT = TypeVar("ModelT", bound=BaseModel)

_PLAIN: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


def dump(value: object) -> Stored:
    """The value as JSON: a Pydantic model under its wire names, or plain JSON values. Raises MisuseError."""
    stored = _dump(value)
    restore(stored)  # what cannot be read back is found now, not in a replay
    return stored


def replayed(value: ModelT) -> ModelT:
    """The value as it would come back: a copy that has been JSON. Raises MisuseError."""
    copy: ModelT = restore(_dump(value))
    return copy


def _dump(value: object) -> Stored:
    if isinstance(value, BaseModel):
        personal = tuple(sorted(masking.names(type(value))))
        return Stored(model=_reference(type(value)), data=_storable(value), personal=personal)
    try:
        plain = _PLAIN.validate_python(value, strict=True)
        to_json(plain)  # refuses half a surrogate
        return Stored(data=json.loads(json.dumps(plain, allow_nan=False)))
    except (ValidationError, ValueError, RecursionError) as error:
        raise MisuseError(
            f"a value of type {type(value).__name__} cannot be stored; return a Pydantic model or plain JSON values"
        ) from error


def restore(stored: Stored) -> Any:  # noqa: ANN401 - whatever was dumped
    """The value that was dumped. Raises MisuseError where its class is gone or has changed too much."""
    if not stored.model:
        return stored.data
    model = _resolve(stored.model)
    try:
        return read_model(model, stored.data)
    except ValidationError as error:
        fields = sorted({".".join(map(str, each["loc"])) or "all of it" for each in error.errors(include_input=False)})
        raise MisuseError(
            f"a stored {stored.model} cannot be read back: {', '.join(fields)}; "
            "its JSON must be what its own validation accepts"
        ) from error


def read_model(model: type[ModelT], data: object) -> ModelT:
    """A model from what `model_data` made of it: wire names only, so that a member kept beside them stays one."""
    return model.model_validate(data, by_alias=True, by_name=False)


def model_data(model: BaseModel) -> Any:  # noqa: ANN401 - JSON
    """A model as plain JSON values under its wire names."""
    return from_json(to_json(model, by_alias=True, inf_nan_mode="null"))


def _storable(model: BaseModel) -> Any:  # noqa: ANN401 - JSON
    try:
        return model_data(model)
    except ValueError as error:
        raise MisuseError(f"a {type(model).__name__} holds what no JSON can hold") from error


def _reference(model: type[BaseModel]) -> str:
    reference = f"{model.__module__}:{model.__qualname__}"
    try:
        found = _resolve(reference)
    except MisuseError:
        found = None
    if found is not model:
        raise MisuseError(
            f"a {model.__qualname__} cannot be stored: define its class at the top of a module, by its own name"
        )
    return reference


def _resolve(reference: str) -> type[BaseModel]:
    module, _, name = reference.partition(":")
    try:
        found: Any = sys.modules.get(module) or importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise MisuseError(f"the class of a stored value is gone: {reference}") from error
    if not (isinstance(found, type) and issubclass(found, BaseModel)):
        raise MisuseError(f"the class of a stored value is no Pydantic model: {reference}")
    return found
