"""What pages say, in each language; the same keys in all of them."""

from __future__ import annotations

from collections.abc import Mapping

from mcp_codegen.orchestrator.service.dashboard.texts import en, es

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": en.TEXTS, "es": es.TEXTS}
NAMES: Mapping[str, str] = {"en": "English", "es": "Español"}
MARKS: Mapping[str, tuple[str, str]] = {"en": (",", "."), "es": (".", ",")}
"""Between thousands, and before decimals."""
MOST = 20


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the one that is liked best first; without their regions."""
    liked: list[tuple[float, str]] = []
    for part in header.split(",")[:MOST]:
        word, _, weight = part.partition(";q=")
        try:
            liked.append((-float(weight or 1), word.strip().partition("-")[0].lower()))
        except ValueError:
            continue
    return [word for _, word in sorted(liked, key=lambda each: each[0]) if word]


def number(value: float, language: str, digits: int = 0) -> str:
    """A number as it is written in the language."""
    thousands, decimal = MARKS[language]
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", thousands + decimal))
