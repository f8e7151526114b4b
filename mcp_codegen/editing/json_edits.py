"""Changes to a JSON text."""

from __future__ import annotations

import json
from typing import Any

from mcp_codegen.editing import flow
from mcp_codegen.errors import Pointer
from mcp_codegen.source import json_text
from mcp_codegen.source.places import Place


def appended(text: str, pointer: Pointer, key: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """The text with a member more."""
    found = _places(text, pointer)
    (whole,) = [place for place in found if place.pointer == pointer]
    members = [place for place in found if len(place.pointer) == len(pointer) + 1 and place.pointer[:-1] == pointer]
    last = (members[-1].key, _end(text, members[-1].value)) if members else None
    return flow.added(text, (whole.value, _end(text, whole.value) - 1), last, key, value)


def replaced(text: str, pointer: Pointer, value: str) -> str:
    """The text with another value."""
    (place,) = [place for place in _places(text, pointer) if place.pointer == pointer]
    return f"{text[: place.value]}{json.dumps(value, ensure_ascii=False)}{text[_end(text, place.value) :]}"


def _places(text: str, pointer: Pointer) -> list[Place]:
    around = {pointer[:length] for length in range(len(pointer) + 1)}
    return list(json_text.places(text, around.__contains__))


def _end(text: str, at: int) -> int:
    return json.JSONDecoder().raw_decode(text, at)[1]
