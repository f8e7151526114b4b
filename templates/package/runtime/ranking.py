"""Tools by words: SQLite's full-text search (BM25) in memory, and above it what the tools are called."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import NotConfigured
from .wording import SHORTEST_BEGINNING, apart, likeness, synonyms, telling

CANDIDATES = 200
"""Tools whose names are compared with what was asked for."""
SHARPNESS = 3
"""How much a name that says nothing but what was asked for outweighs the words of a description."""
LONGEST_QUERY = 64
"""Words; further ones are not looked at."""
LONGEST_ANSWER = 200
"""Names in an answer's schema that are looked at."""

_TABLE = """
    CREATE VIRTUAL TABLE tools
    USING fts5(name, title, tags, description, arguments, answer, tokenize='porter unicode61 remove_diacritics 2')
"""
_ROW = "INSERT INTO tools(rowid, name, title, tags, description, arguments, answer) VALUES (?, ?, ?, ?, ?, ?, ?)"
_BEST = """
    SELECT rowid, -bm25(tools, 8, 6, 3, 3, 1, 0.5) AS score FROM tools WHERE tools MATCH ? ORDER BY score DESC LIMIT ?
"""


class ToolIndex:
    """An index of a listing's tools. tags: of each tool, by its name. Raises `NotConfigured`."""

    def __init__(self, tools: Sequence[Mapping[str, Any]], tags: Mapping[str, Sequence[str]]) -> None:
        self._names = [str(tool["name"]) for tool in tools]
        self._called = [telling(f"{tool['name']} {tool.get('title', '')}") for tool in tools]
        self._tags = tags
        self._tables = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            self._tables.execute(_TABLE)
        except sqlite3.OperationalError as error:
            message = "This Python's SQLite has no full-text search (FTS5), by which tools are found."
            raise NotConfigured(message, "Take another build of Python, or --tools all.") from error
        rows = ((number, *_texts(tool, tags.get(str(tool["name"]), ()))) for number, tool in enumerate(tools))
        self._tables.executemany(_ROW, rows)

    def find(self, words: str, tags: Sequence[str] = (), limit: int = 5) -> list[str]:
        """The names of the tools that fit best, at most so many: of all, or of those that have one of these tags."""
        asked = {tag.casefold() for tag in tags}
        most = len(self._names) if asked else CANDIDATES  # those of a tag may all stand far down
        found = self._ranked(words, most) if words.strip() else range(len(self._names))
        names = (self._names[number] for number in found)
        fitting = [name for name in names if not asked or asked & {one.casefold() for one in self._tags.get(name, ())}]
        exact = [name for name in fitting if name == words.strip()]
        return [*exact, *(name for name in fitting if name not in exact)][:limit]

    def _ranked(self, words: str, most: int) -> list[int]:
        asked = telling(words)[:LONGEST_QUERY]
        if not asked:
            return []
        rows = self._tables.execute(_BEST, [" OR ".join(_terms(asked)), most])
        scores = {number: score * (1 + _covered(self._called[number], asked)) ** SHARPNESS for number, score in rows}
        return sorted(scores, key=lambda number: (-scores[number], number))


def _terms(asked: Sequence[str]) -> Iterator[str]:
    """What to look for: the words, each also as the beginning of others, and in names what means the same."""
    for word in asked:
        yield f'"{word}"'
        if len(word) >= SHORTEST_BEGINNING:
            yield f'"{word}"*'
    for word in synonyms(asked):
        yield f'{{name title}} : "{word}"'


def _covered(called: Sequence[str], asked: Sequence[str]) -> float:
    """How much of a name was asked for: from 0 to 1."""
    return sum(max(likeness(word, one) for one in asked) for word in called) / max(len(called), 1)


def _texts(tool: Mapping[str, Any], tags: Sequence[str]) -> Iterator[str]:
    """What is looked at of a tool, in the order of the table's columns."""
    arguments = tool.get("inputSchema", {}).get("properties", {})
    texts = (
        tool["name"],
        tool.get("title", ""),
        " ".join(tags),
        tool.get("description", ""),
        " ".join(f"{name} {about.get('description', '')}" for name, about in arguments.items()),
        " ".join(list(_members(tool.get("outputSchema", {})))[:LONGEST_ANSWER]),
    )
    for text in texts:
        yield text if apart(text) == text else f"{text} {apart(text)}"


def _members(schema: object) -> Iterator[str]:
    """The names of a schema's members, at every depth."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            properties = one.get("properties")
            yield from properties if isinstance(properties, Mapping) else ()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
