"""Pages from templates; every value is foreign text until it is escaped here."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from pydantic import JsonValue

from mcp_codegen.orchestrator.service.dashboard import texts

LONGEST = 20_000
"""Characters of a value that is shown; the API answers it whole."""
MINUTE, HOUR = 60, 3600
NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""


class Pages:
    """The templates, read once."""

    def __init__(self, version: str) -> None:
        self._environment = Environment(
            loader=PackageLoader(__package__ or __name__),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
            auto_reload=False,
        )
        self._environment.globals["version"] = version
        self._environment.filters |= {
            "number": _in_language(texts.number),
            "seconds": _in_language(seconds),
            "share": _in_language(share),
            "tick": _in_language(tick),
            "json": pretty,
            "moment": _moment,
        }

    def render(self, name: str, language: str, context: Mapping[str, Any]) -> str:
        """The page of a template."""
        words = texts.LANGUAGES[language]

        def t(key: str, **values: object) -> str:
            return words[key].format(**values) if values else words[key]

        def known(key: str, otherwise: str) -> str:
            return words.get(key, otherwise)

        common = {"t": t, "known": known, "language": language, "languages": texts.NAMES}
        return self._environment.get_template(f"{name}.html.jinja").render(common | dict(context))


def seconds(value: float | None, language: str) -> str:
    """A span of time, with as many digits as people read: 85 ms, 2.31 s, 4 min 07 s, 3 h 05 min."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < MINUTE:
        return f"{texts.number(value, language, 2 if value < 10 else 1)} s"  # noqa: PLR2004
    if value < HOUR:
        return f"{int(value) // MINUTE} min {int(value) % MINUTE:02d} s"
    return f"{texts.number(int(value) // HOUR, language)} h {int(value) % HOUR // MINUTE:02d} min"


def tick(value: float, language: str) -> str:
    """A round span of time, without digits that say nothing: 0, 200 ms, 2 s, 1.5 s, 10 min."""
    if value < 1 or value >= MINUTE:
        return seconds(value, language).removesuffix(" 00 s") if value else "0"
    return f"{texts.number(value, language, 0 if value == int(value) else 1)} s"


def share(value: float | None, language: str) -> str:
    """A part of a whole in percent; 100 % only where nothing is missing."""
    if value is None:
        return NOTHING
    percent = value * 100
    digits = 0 if percent in (0, 100) else 1
    return f"{texts.number(min(percent, 99.9) if percent < 100 else percent, language, digits)} %"  # noqa: PLR2004


def pretty(value: JsonValue) -> str:
    """JSON for people, with its strange characters written out."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= LONGEST else text[:LONGEST] + "\n…"


def _moment(value: str | int | datetime | None) -> Markup:
    """A moment in UTC; the page's script tells it in the reader's own time."""
    if value is None:
        return Markup("&ndash;")
    match value:
        case int():  # milliseconds since 1970
            value = datetime.fromtimestamp(value / 1000, UTC)
        case str():
            value = datetime.fromisoformat(value)
    moment = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        moment.isoformat(timespec="milliseconds"), moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    )


def _shown(value: object) -> object:
    """Foreign text with its control and invisible characters written out; lines stay lines."""
    if isinstance(value, Markup) or not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    return "".join(
        each if each in " \n\t" or unicodedata.category(each)[0] not in "CZ" else repr(each)[1:-1] for each in value
    )


def _in_language(format: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def filtered(context: Context, value: Any, *more: Any) -> str:  # noqa: ANN401 - Jinja's
        return format(value, context["language"], *more)

    return filtered
