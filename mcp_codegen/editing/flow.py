"""What JSON and the flow style of YAML share: members between brackets."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_UNIT: Final = re.compile(r"\n([ \t]+)\S")


def added(
    text: str,
    bounds: tuple[int, int],
    last: tuple[int, int] | None,
    key: str,
    value: Any,  # noqa: ANN401 - JSON
) -> str:
    """The text with a member more between the brackets.

    bounds: where the brackets stand. last: where the last member begins and ends; None where there is none.
    """
    first, end = bounds
    ending = "\r\n" if "\r\n" in text else "\n"
    unit = found[1] if (found := _UNIT.search(text)) else "  "
    if last is None:
        outer = _indentation(text, first)
        inner = _written(key, value, unit, outer + unit)
        between = _lines(f"\n{outer}{unit}{inner}\n{outer}", ending)
        return f"{text[: first + 1]}{between}{text[end:]}"
    before = text[: last[0]]
    space = before[len(before.rstrip(" \t\r\n")) :]
    if "\n" not in space:
        return f"{text[: last[1]]}, {_written(key, value, None, '')}{text[last[1] :]}"
    inner = _written(key, value, unit, space.rpartition("\n")[2])
    return f"{text[: last[1]]},{space}{_lines(inner, ending)}{text[last[1] :]}"


def _written(key: str, value: Any, unit: str | None, outer: str) -> str:  # noqa: ANN401 - JSON
    lines = json.dumps(value, ensure_ascii=False, indent=unit).split("\n")
    named = f"{json.dumps(key, ensure_ascii=False)}: " if key else ""
    return named + f"\n{outer}".join(lines)


def _lines(text: str, ending: str) -> str:
    return text.replace("\n", ending)


def _indentation(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
