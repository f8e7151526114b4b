"""A curl command, read and never run: where it puts its values."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

_DATA: Final = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_HEADER: Final = frozenset({"-H", "--header"})
_WITH_VALUE: Final = _DATA | _HEADER | {"-X", "--request", "-u", "--user", "-o", "--output", "-b", "--cookie", "--url"}


@dataclass(frozen=True, slots=True)
class Sample:
    """The names of the values in a curl command."""

    query: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    body: frozenset[str] = frozenset()

    def place_of(self, name: str) -> Literal["query", "header", "body"] | None:
        """Where the command puts the value of that name, if it has it."""
        if name in self.query:
            return "query"
        if name in self.body:
            return "body"
        return "header" if name.casefold() in self.headers else None


def parse(command: str) -> Sample:
    """What a curl command says; a command that cannot be read says nothing."""
    try:
        words = shlex.split(command.replace("\\\n", " ").replace("\\\r\n", " "))
    except ValueError:
        return Sample()
    options = list(_options(words[1:] if words[:1] == ["curl"] else words))
    urls = [value for name, value in options if name in ("", "--url")]
    data = [value for name, value in options if name in _DATA]
    headers = frozenset(value.partition(":")[0].strip().casefold() for name, value in options if name in _HEADER)
    return Sample(_query_names(urls), headers, _body_names(data))


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            yield word, next(rest, "")
        elif word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            yield name, value
        elif not word.startswith("-"):
            yield "", word


def _query_names(urls: list[str]) -> frozenset[str]:
    try:
        return frozenset(name for url in urls for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return frozenset()


def _body_names(data: list[str]) -> frozenset[str]:
    names: set[str] = set()
    for text in data:
        try:
            value = json.loads(text)
        except ValueError:
            continue
        names |= value.keys() if isinstance(value, dict) else set()
    return frozenset(names)
