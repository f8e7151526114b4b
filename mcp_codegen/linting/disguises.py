"""What a model reads in a text that people do not: the same text without its disguises."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

_CYRILLIC: Final = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d",
    "aeopcyxijshdqw",
)
_CYRILLIC_CAPITALS: Final = (
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405\u04c0",
    "ABEKMHOPCTXYIJSI",
)
_CYRILLIC_SMALL: Final = "\u0432\u043a\u043c\u043d\u0442\u0433\u04cf", "bkmhtrl"
_GREEK: Final = "\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7", "aeikvoptux"
_GREEK_CAPITALS: Final = (
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "ABEZHIKMNOPTYX",
)
_OTHERS: Final = "\u0578\u0585\u057d\u0570\u0561\u0131\u0269\u0251\u0261\u13a0\u13aa\u13ac\u13b3", "nouhaiiagDGEW"
_SMALL_CAPITALS: Final = (
    "\u1d00\u0299\u1d04\u1d05\u1d07\ua730\u0262\u029c\u026a\u1d0a\u1d0b\u029f\u1d0d\u0274\u1d0f\u1d18\ua7af\u0280\ua731\u1d1b\u1d1c\u1d20\u1d21\u028f\u1d22",
    "abcdefghijklmnopqrstuvwyz",
)
LOOKALIKES: Final = {
    one: latin
    for letters, latins in (
        _CYRILLIC,
        _CYRILLIC_CAPITALS,
        _CYRILLIC_SMALL,
        _GREEK,
        _GREEK_CAPITALS,
        _SMALL_CAPITALS,
        _OTHERS,
    )
    for one, latin in zip(letters, latins, strict=True)
}
"""Letters of other scripts → the Latin letters that they look like (of Unicode's confusables, the common ones)."""
_LATIN: Final = str.maketrans(LOOKALIKES)
_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_RUN: Final = 12
_BLANKS: Final = re.compile(rf"\s{{{_RUN},}}")
_SIGNS: Final = re.compile(rf"[-=#*_~.+|/<>\\]{{{_RUN + 1},}}")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_MARKUP: Final = re.compile(r"<!--|-->|</?[a-z][^<>]{0,200}>|[*`~]+|(?<=\w)_{1,3}(?=\s|$)|(?:(?<=\s)|^)_{1,3}(?=\w)")
_ENTITY: Final = re.compile(r"&(?:#\d{2,6}|#x[0-9a-f]{2,6}|[a-z]{2,8});", re.IGNORECASE)
_ESCAPES: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{2,6})\})")
_SPACED: Final = re.compile(r"(?<!\w)(?:\w[ .,\-_*|/+]{1,2}){4,}\w(?!\w)")
_SPACED_WORD: Final = re.compile(r"(?<!\w)\w(?:[.\-_*|/+ ]\w)+(?!\w)")
_JOINED_WORD: Final = re.compile(r"(?<!\w)\w(?:[.\-_*|/+]\w)+(?!\w)")
_COMPOUND: Final = re.compile(r"(?<![^\W_])(?:[^\W_]+(?:[-_./+][^\W_]+){2,}|[A-Za-z][a-z]+(?:[A-Z][a-z]+){2,})")
_JOINT: Final = re.compile(r"[-_./+]|(?<=[a-z])(?=[A-Z])")
_DISGUISED: Final = re.compile(r"[a-z][013457@$!|]+[a-z]|\b[0134@$]+[a-z]{2}", re.IGNORECASE)
_TAGS: Final = range(0xE0020, 0xE007F)


def squeezed(text: str) -> str:
    """A text whose longest runs of blanks and signs are shorter: they say nothing, and take patterns long."""
    if _BLANKS.search(text):
        text = _BLANKS.sub(lambda match: "\n" * min(2, match[0].count("\n")) or " " * _RUN, text)
    return _SIGNS.sub(lambda match: match[0][:_RUN], text)


def plain(text: str) -> str:
    """A text in lower case, without accents, with single blanks and without what is not seen."""
    if not text.isascii():
        bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", _UNSEEN.sub("", text)))
        text = unicodedata.normalize("NFC", bare)
    return " ".join(text.casefold().replace("\u2019", "'").split())


def readings(text: str) -> Iterator[str]:
    """The ways in which a text may be read, each of them plain; the first is the text as it stands."""
    first = plain(text)
    yield first
    yield from (plain(one) for one in unmasked(text) if one != text)
    if _MARKUP.search(first):
        yield plain(_MARKUP.sub("", first))
        yield plain(_MARKUP.sub(" ", first))
    if not text.isascii():
        if (latin := plain(unicodedata.normalize("NFKD", text).translate(_LATIN))) != first:
            yield latin
        if tagged := "".join(chr(ord(c) - 0xE0000) for c in text if ord(c) in _TAGS):
            yield plain(tagged)
    if _DISGUISED.search(first):
        yield first.translate(_LEET)
    if _COMPOUND.search(text):
        yield plain(_COMPOUND.sub(lambda match: _JOINT.sub(" ", match[0]), text))
    if _SPACED.search(first):
        yield from _closed_up(text)


def turned(text: str) -> Iterator[str]:
    """The text backwards, and turned by thirteen letters."""
    first = plain(text)
    yield first[::-1]
    yield codecs.encode(first, "rot13")


def unmasked(text: str) -> Iterator[str]:
    """The text with its entities, percent signs and escapes resolved, where it has any."""
    if "&" in text and _ENTITY.search(text):
        yield html.unescape(html.unescape(text))
    if "%" in text:
        yield unquote(text)
    if "\\" in text and _ESCAPES.search(text):
        yield _ESCAPES.sub(lambda match: chr(min(int(match[1] or match[2] or match[3], 16), 0x10FFFF)), text)


def _closed_up(text: str) -> Iterator[str]:
    """`i g n o r e   a l l` as `ignore all`, and without any blanks."""
    words = re.split(r"\s{2,}|\n", text)
    yield plain(" ".join(_SPACED_WORD.sub(lambda match: re.sub(r"[\W_]", "", match[0]), word) for word in words))
    yield plain(_JOINED_WORD.sub(lambda match: re.sub(r"[\W_]", "", match[0]), text))
    yield plain(_SPACED.sub(lambda match: re.sub(r"[\W_]", "", match[0]), text))
