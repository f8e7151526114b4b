"""A curl command, read and never run: where it puts its values."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, quote_plus, urlsplit

_DATA: Final = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_HEADER: Final = frozenset({"-H", "--header"})
_WITH_VALUE: Final = _DATA | _HEADER | {"-X", "--request", "-u", "--user", "-o", "--output", "-b", "--cookie", "--url"}

_BODY: Final = _DATA | {"--data-urlencode"}
_LONG: Final = {
    "-d": "--data", "-H": "--header", "-X": "--request", "-u": "--user", "-b": "--cookie", "-F": "--form",
    "-T": "--upload-file", "-o": "--output", "-A": "--user-agent", "-e": "--referer", "-m": "--max-time",
    "-x": "--proxy", "-E": "--cert", "-w": "--write-out", "-c": "--cookie-jar", "-K": "--config", "-r": "--range",
}  # fmt: skip
_FLAGS: Final = {"-G": "--get", "-I": "--head"}
_SHORT: Final = frozenset(name[1] for name in _LONG)
_VALUED: Final = _BODY | {
    "--url", "--oauth2-bearer", "--form-string", "--connect-timeout", "--retry", "--retry-delay", "--cacert",
    "--capath", "--key", "--key-type", "--cert-type", "--resolve", "--interface", "--limit-rate", "--url-query",
    "--max-redirs", "--ciphers", "--aws-sigv4", "--dump-header", "--retry-max-time", "--noproxy", "--proxy-user",
    "--unix-socket",
}  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class Command:
    """A whole command."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    data: tuple[tuple[str, str], ...] = ()
    """Option and value."""
    parts: tuple[tuple[str, str, str], ...] = ()
    """Of a multipart body: option, name and value."""
    user: str = ""
    bearer: str = ""
    upload: bool = False
    others: tuple[str, ...] = ()
    """Further URLs that the same request is sent to."""


def command(words: Sequence[str]) -> Command:
    """What a command says, from its words behind `curl`."""
    options = list(_spelled(words))
    told: dict[str, list[str]] = {}
    for name, value in options:
        told.setdefault(_LONG.get(name, name), []).append(value)
    urls = told.get("", []) + told.get("--url", [])
    data = tuple((_LONG.get(name, name), value) for name, value in options if _LONG.get(name, name) in _BODY)
    url = urls[0] if urls else ""
    data = tuple(
        ("--data-urlencode", encoded(value)) if name == "--data-urlencode" else (name, value) for name, value in data
    )
    if "--url-query" in told:
        url = f"{url}{'&' if '?' in url else '?'}{'&'.join(encoded(value) for value in told['--url-query'])}"
    method = told.get("--request", [""])[-1].upper()
    if "--get" in told and data:
        query = "&".join(value for _, value in data)
        url, data = f"{url}{'&' if '?' in url else '?'}{query}", ()
    has_body = bool(data or told.get("--form") or told.get("--form-string"))
    default = "HEAD" if "--head" in told else "PUT" if "--upload-file" in told else "POST" if has_body else "GET"
    return Command(
        method or default,
        url,
        headers=tuple(_pair(value, ":") for value in told.get("--header", []) if ":" in value),
        cookies=tuple(_pair(one, "=") for value in told.get("--cookie", []) for one in value.split(";") if "=" in one),
        data=data,
        parts=tuple(
            (name, *_pair(value, "="))
            for name in ("--form", "--form-string")
            for value in told.get(name, [])
            if "=" in value
        ),
        user=told.get("--user", [""])[-1],
        bearer=told.get("--oauth2-bearer", [""])[-1],
        upload="--upload-file" in told,
        others=tuple(urls[1:]),
    )


def encoded(text: str) -> str:
    """What `--data-urlencode` sends for `name=value`, `=value` or `value`; of `name@file` there is only the name."""
    name, mark, value = re.fullmatch(r"([^=@]*)([=@]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if mark == "@":
        return f"{name}=" if name else ""
    if not mark:
        return quote_plus(name)
    return f"{name}={quote_plus(value)}" if name else quote_plus(value)


def _pair(text: str, mark: str) -> tuple[str, str]:
    name, _, value = text.partition(mark)
    return name.strip(), value.strip()


def _spelled(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options with their values, short ones also where they are written together (`-sXPOST`); URLs have no name."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            takes = name in _VALUED or name in _LONG.values()
            yield name, value if equals else next(rest, "") if takes else ""
        elif word.startswith("-") and len(word) > 1:
            for index, letter in enumerate(word[1:], 2):
                if letter in _SHORT:
                    yield f"-{letter}", word[index:] or next(rest, "")
                    break
                yield _FLAGS.get(f"-{letter}", f"-{letter}"), ""
        else:
            yield "", word


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
