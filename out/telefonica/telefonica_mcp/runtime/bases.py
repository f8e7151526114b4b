"""Bases of the catalog's types."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """What an upstream answers: Python names in code, catalog names on the wire, unknown members kept."""

    model_config = ConfigDict(
        extra="allow", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True, protected_namespaces=()
    )


class InputModel(BaseModel):
    """What a caller passes: unknown members are refused."""

    model_config = ConfigDict(
        extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True, protected_namespaces=()
    )


class OpenInputModel(InputModel):
    """What a caller passes and may add members to."""

    model_config = ConfigDict(extra="allow")
