"""Words, as people ask for things and as APIs call them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

SHORTEST_BEGINNING = 4
"""Letters of a word that may be the beginning of another."""
LONGEST_ENDING = 3
"""Letters by which forms of one word differ, such as invoice and invoicing."""
_BY_FORM, _BY_MEANING = 0.5, 0.8
"""How alike words are that begin alike and end far apart, and words that mean the same."""

_WORD = re.compile(r"[^\W_]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_COMMON = frozenset("""
    a am an and are as at be by can could did do does for from has have how i in is it its me my of on or our please
    that the their them there these this those to was we were what when where which who whose why will with would you
    your
    al algo aun como con cual cuales cuando cuanto cuantos de del donde el ella en era es esa ese eso esta este esto
    fue ha hay he la las le les lo los me mi mis muy no nos o para pero por puede puedo que quien quiero se ser si sin
    sobre son su sus te tengo tiene tu un una unos y ya
    """.split())  # noqa: SIM905 - a list of eighty is read by nobody
"""Words that every text has, in English and Spanish: they tell no tool from another."""
_SYNONYMS = tuple(
    frozenset(group.split())
    for group in (
        "get show read fetch view see retrieve look check detail details consultar ver obtener mostrar leer detalle",
        "list all every listar todos todas",
        "search find query lookup buscar encontrar",
        "create add new open make post register start crear nuevo nueva agregar anadir abrir registrar",
        "update edit change modify set patch put replace rename actualizar editar cambiar modificar",
        "delete remove destroy drop erase close eliminar borrar quitar",
        "cancel revoke void abort stop cancelar anular",
        "send deliver email notify enviar mandar avisar",
        "download export descargar exportar",
        "upload import attach subir adjuntar",
    )
)
"""What APIs call otherwise than people do: verbs alone, for nouns are each API's own."""


def words_of(text: str) -> list[str]:
    """The words of a text, each once, without case and accents; joined ones (`listInvoices`) also apart."""
    plain = "".join(one for one in normalize("NFKD", f"{text} {apart(text)}") if not combining(one))
    return list(dict.fromkeys(word.casefold() for word in _WORD.findall(plain)))


def telling(text: str) -> list[str]:
    """Those of a text's words that tell something; all of them where none does."""
    said = words_of(text)
    return [word for word in said if word not in _COMMON] or said


def apart(text: str) -> str:
    """The text with joined words apart."""
    return _HUMPS.sub(" ", text)


def synonyms(words: Iterable[str]) -> list[str]:
    """Other words for these."""
    asked = set(words)
    return sorted({word for group in _SYNONYMS if group & asked for word in group} - asked)


def likeness(word: str, other: str) -> float:
    """How alike two words are: 0 to 1, which is the same word or another form of it."""
    if word == other:
        return 1.0
    beginning = max(min(len(word), len(other)) - 2, SHORTEST_BEGINNING)
    if min(len(word), len(other)) >= SHORTEST_BEGINNING and word[:beginning] == other[:beginning]:
        return 1.0 if abs(len(word) - len(other)) <= LONGEST_ENDING else _BY_FORM
    return _BY_MEANING if any(word in group and other in group for group in _SYNONYMS) else 0.0
