"""Words, as people ask for things and as APIs call them, in English and Spanish."""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

_WORD = re.compile(r"[^\W_]+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])(?![A-Z]s(?![a-z]))")
_COMMON = frozenset("""
    a am an and are as at be been by can could did do does for from give given had has have he her here him his how i
    if in into is it its let like may me my need no of off on or our out over please she should so some tell than that
    the their them then there these they this those to too under up us want was we were what when where which who
    whose why will with would yet you your
    al algo ante aun cada como con cual cuales cuando cuanta cuantas cuanto cuantos dame de del desde dime donde el
    ella en entre era es esa ese eso esta estan este esto estos favor fue ha hace hacia han hay he la las le les lo
    los me mi mis muy necesito ni no nos nuestra nuestro o para pero podria podrias por puede puedes puedo que quien
    quiero quisiera se segun ser si sin sobre son su sus te tengo tiene tienen tu un una unas uno unos y ya
    """.split())  # noqa: SIM905 - a list of so many is read by nobody
"""Words that every text has: they tell no tool from another."""

_ENDINGS = (
    (re.compile(r"(?:a[ct]ion|cion)e?$"), 4),
    (re.compile(r"ione?$"), 4),
    (re.compile(r"(?:ing|ed|ando|ad[oa]|ar)$"), 3),
)
"""Of nouns that are made of verbs and of other forms of them, in the singular, and how many letters stay of the word.

Spanish verbs in -er and -ir stay as they are, for too many English nouns end so.
"""
_VOWEL = re.compile("[aeiouy]")
_HANGING = re.compile(r"(?<=.{4})(?:me|te|se|nos|l[aeo]s?)$")
_DOUBLED = re.compile(r"(.)\1")
_LONG = 4
"""Letters; shorter words have no endings."""


def words_of(text: str) -> list[str]:
    """The words of a text in their order, without case and accents; joined ones (`listInvoices`) apart."""
    said = _HUMPS.sub(" ", text)
    if not said.isascii():
        said = "".join(one for one in normalize("NFKD", said) if not combining(one))
    return _WORD.findall(said.casefold())


def telling(words: Iterable[str]) -> list[str]:
    """Those of the words that tell something, each once; all of them where none does."""
    said = list(dict.fromkeys(words))
    return [word for word in said if word not in _COMMON] or said


def is_plural(word: str) -> bool:
    """Whether a word looks like several of something."""
    return len(word) >= _LONG and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def stem(word: str) -> str:
    """What the forms of a word share: `factur` of factura, facturas and facturación. Coarser than grammar would be."""
    if not word.isalpha():
        return word
    said = _of_verb(_singular(word)) if len(word) >= _LONG else word
    if len(said) > _LONG and said[-1] in "aeo":
        said = said[:-1]
    if len(said) >= _LONG and said[-1] == "y" and said[-2] not in "aeo":
        said = f"{said[:-1]}i"
    return _DOUBLED.sub(r"\1", said)


def without_pronoun(word: str) -> str:
    """A Spanish verb without what hangs on it: `muestra` of muéstrame."""
    return _HANGING.sub("", word)


def _singular(word: str) -> str:
    if word.endswith(("sses", "xes", "ches", "shes", "zes", "ies")):
        return word[:-2]
    return word[:-1] if is_plural(word) else word


def _of_verb(word: str) -> str:
    """A word without the ending that makes a noun of a verb, or another form of it."""
    for ending, least in _ENDINGS:
        rest = ending.sub("", word)
        if rest != word and len(rest) >= least and _VOWEL.search(rest):
            return rest
    return word
