"""How foreign text becomes part of a Python or a JSON file: the only ways in.

Catalog text is hostile. Whatever it holds, what these functions return is one literal, one docstring or one comment,
and shows what it holds: characters that hide or reorder text are written as escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u2800\u3000\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U0010ffff]"
)
"""Control characters, blanks that are no space, what reorders or joins, and what no font shows. Python's own idea of
this changes with its version, and with it the output would."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that was made by these functions, to stand inside another."""

    text: str


def literal(value: object) -> str:
    """A Python expression for JSON data."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Code):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value).replace("e+", "e") if isinstance(value, float) else repr(value)


def call(function: str, *arguments: object, **keywords: object) -> str:
    """A Python call with literal arguments; keywords that are None are left out."""
    parts = [literal(value) for value in arguments]
    parts += [f"{name}={literal(value)}" for name, value in keywords.items() if value is not None]
    return f"{function}({', '.join(parts)})"


def docstring(text: str) -> str:
    """A docstring that shows the text; blanks at the ends of its lines, and before all but the first, are not kept."""
    lines = [_HIDDEN.sub(_escape, line.rstrip().replace("\\", "\\\\")) for line in text.strip().splitlines()]
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line), default=0)
    shown = "\n".join([*lines[:1], *(line[margin:] for line in lines[1:])]) or "No description."
    shown = re.sub('"{3,}', _escape_all, shown)  # what would end the docstring early
    before = " " if shown.startswith('"') else ""
    behind = "\n" if len(lines) > 1 else " " if shown.endswith('"') else ""
    return f'"""{before}{shown}{behind}"""'


def comment(text: str) -> str:
    """One line of text behind a `#`."""
    return " ".join(_HIDDEN.sub(" ", text).split())


def json_text(data: Any, *, indent: int | None = 2) -> str:  # noqa: ANN401 - JSON data
    """A JSON file: letters of all languages as they are, what hides or reorders text as escapes."""
    separators = None if indent else (",", ":")
    text = json.dumps(data, ensure_ascii=False, indent=indent, separators=separators, allow_nan=False)
    return _HIDDEN.sub(lambda match: match[0] if match[0] == "\n" else json.dumps(match[0])[1:-1], text)


def json_lines(data: Mapping[str, Any]) -> str:
    """A JSON file with lists that are long: each item on a line of its own, and nothing but what it needs in a line."""
    written = {key: [json_text(item, indent=None) for item in items] for key, items in data.items()}
    lists = [f"{json_text(key)}: [\n" + ",\n".join(items) + "\n]" for key, items in written.items()]
    return "{" + ", ".join(lists) + "}"


def _text(value: str) -> str:
    if "\\" in value and not value.endswith("\\") and '"' not in value and not _HIDDEN.search(value):
        return f'r"{value}"'
    quote = "'" if value.count('"') > value.count("'") else '"'
    escaped = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"{quote}{_HIDDEN.sub(_escape, escaped)}{quote}"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    kind, digits = ("x", 2) if character <= "\xff" else ("u", 4) if character <= "\uffff" else ("U", 8)
    return _SHORT.get(character) or f"\\{kind}{ord(character):0{digits}x}"


def _escape_all(match: re.Match[str]) -> str:
    return "".join(f"\\{character}" for character in match[0])
