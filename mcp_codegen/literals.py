"""How foreign text becomes part of a Python or a JSON file: the only ways in.

Catalog text is hostile. Whatever it holds, what these functions return is one literal, one docstring or one comment,
and shows what it holds: characters that hide or reorder text are written as escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_HIDDEN = re.compile(r"[^\x20-\x7e]")


def literal(value: object) -> str:
    """A Python expression for JSON data."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def call(function: str, *arguments: object, **keywords: object) -> str:
    """A Python call with literal arguments; keywords that are None are left out."""
    parts = [literal(value) for value in arguments]
    parts += [f"{name}={literal(value)}" for name, value in keywords.items() if value is not None]
    return f"{function}({', '.join(parts)})"


def docstring(text: str) -> str:
    """A docstring that shows the text; blanks at the ends of its lines are not kept."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    shown = "\n".join(_escaped(line) for line in lines)
    if "\n" in shown:
        return f'"""{shown}\n"""'
    if shown.endswith('"'):
        shown = f'{shown[:-1]}\\"'
    return f'"""{shown}"""' if shown else '"""No description."""'


def comment(text: str) -> str:
    """One line of text behind a `#`."""
    return " ".join(_HIDDEN.sub(_shown_or_blank, text).split())


def json_text(data: Any, *, indent: int | None = 2) -> str:  # noqa: ANN401 - JSON data
    """A JSON file: letters of all languages as they are, what hides or reorders text as escapes."""
    separators = None if indent else (",", ":")
    text = json.dumps(data, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)
    return _HIDDEN.sub(
        lambda match: match[0] if _is_shown(match[0]) or match[0] == "\n" else _json_escape(match[0]), text
    )


def _text(value: str) -> str:
    quoted = repr(value)
    if quoted[0] == '"' or '"' in value:
        return quoted
    if "\\" in value and not re.search(r"\\\Z|[^\x20-\x7e]", value):
        return f'r"{value}"'
    return f'"{quoted[1:-1]}"'


def _escaped(line: str) -> str:
    line = line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return _HIDDEN.sub(lambda match: match[0] if _is_shown(match[0]) else repr(match[0])[1:-1], line)


def _shown_or_blank(match: re.Match[str]) -> str:
    return match[0] if _is_shown(match[0]) else " "


def _is_shown(character: str) -> bool:
    return character.isprintable()


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1]
