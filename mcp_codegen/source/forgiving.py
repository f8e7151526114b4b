"""Texts that other tools wrote: what is wrong in them is mended where its meaning is clear, and told."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from mcp_codegen.errors import Pointer, Problem
from mcp_codegen.source.places import has_surrogate

MERGE: Final = "<<"


def mended(data: Any, faults: Iterable[Problem]) -> Any:  # noqa: ANN401 - JSON
    """The data with YAML 1.1's merge keys carried out, and without what no JSON could hold."""
    merges = [fault.pointer for fault in faults if fault.pointer[-1:] == (MERGE,)]
    for pointer in sorted(merges, key=len, reverse=True):  # what is merged is whole by then
        _merge(data, pointer[:-1])
    return _clean(data)


def _merge(data: Any, pointer: Pointer) -> None:  # noqa: ANN401 - JSON
    for part in pointer:
        data = data[part]
    given = data.pop(MERGE, None)
    for one in given if isinstance(given, list) else [given]:
        for key, value in one.items() if isinstance(one, dict) else ():
            data.setdefault(key, value)


def _clean(data: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(data, dict):
        return {_whole(key): _clean(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_clean(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return _whole(data) if isinstance(data, str) else data


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode() if has_surrogate(text) else text
