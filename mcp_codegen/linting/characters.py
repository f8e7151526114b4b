"""Characters that hide, reorder or disguise what a text says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from mcp_codegen.errors import shown
from mcp_codegen.linting.disguises import LOOKALIKES

_ALLOWED_CONTROLS: Final = "\n\t\r"
_BLANKS: Final = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u034f"
"""Letters and marks that show nothing."""
_JOINERS: Final = "\u200c\u200d"
_MARKS: Final = "\u200e\u200f\u061c"
_FLAG_BEGINS, _LONGEST_FLAG = "\U0001f3f4", 8
_FLAG: Final = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{2,6}\U000e007f")
"""The flags of regions, such as Scotland's, are spelled with tags."""
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BLANK: Final = re.compile(r"\s{13,}")
_FAR_LINES, _FAR_COLUMNS = 13, 100
"""So many new lines, or blanks in a line, keep what follows out of sight."""
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_DISGUISES: Final = re.compile(
    "[\u1d00-\u1dbf]{3,}|[\uff21-\uff3a\uff41-\uff5a]{3,}|[\U0001d400-\U0001d7cb]{3,}|[\u24b6-\u24e9]{3,}|[\U0001f130-\U0001f189]{3,}"
)
_SELDOM: Final = ("CHEROKEE", "LISU", "COPTIC", "ARMENIAN", "DESERET", "TIFINAGH", "CANADIAN", "OLD ITALIC")
_NAMES: Final = {
    "Cc": "a control character",
    "Cf": "a character that is not seen",
    "Co": "a character for private use",
    "Cs": "half a character",
}


def hidden(text: str) -> Iterator[str]:
    """What is said of the characters that no reader sees."""
    if text.isascii() and text.isprintable():
        return
    found: dict[str, str] = {}
    for index, character in enumerate(text):
        if said := _hides(character, text, index):
            found.setdefault(said, character)
    yield from (f"{said} stands in it ({_code(character)})" for said, character in found.items())


def far(text: str) -> bool:
    """Whether something stands so far off that a reader may not see it."""
    for run in _BLANK.finditer(text):
        before, after = text[: run.start()][-1:], text[run.end() : run.end() + 1]
        *lines, last = run[0].split("\n")
        is_column = not lines and "|" in (before, after)  # of a table
        if after and (len(lines) >= _FAR_LINES or (len(last) >= _FAR_COLUMNS and (before or lines) and not is_column)):
            return True
    return False


def mixed(text: str) -> Iterator[str]:
    """What is said of words in letters that only look like what they say."""
    if text.isascii():
        return
    if match := _DISGUISES.search(text):
        yield f"{shown(match[0])} is written in letters of another kind"
    words = _WORD.findall(text)
    latin = sum(word.isascii() for word in words)
    for word in words:
        others = [letter for letter in word if letter in LOOKALIKES]
        if any(map(str.isascii, word)) and (rare := [one for one in word if _is_seldom_latin(one)]):
            yield f"{shown(word)} mixes scripts ({_code(rare[0])})"
            return
        if not others:
            continue
        if any(letter.isascii() for letter in word):
            yield f"{shown(word)} mixes scripts ({_code(others[0])})"
            return
        if len(others) == len(word) > 3 and latin > 3 * (len(words) - latin):  # noqa: PLR2004 - most words are Latin
            yield f"{shown(word)} only looks like Latin letters ({_code(others[0])})"
            return


def _is_seldom_latin(letter: str) -> bool:
    """Whether it is of a script that has look-alikes, and that no text mixes with Latin letters in a word."""
    return not letter.isascii() and unicodedata.name(letter, "").startswith(_SELDOM)


def _hides(character: str, text: str, index: int) -> str:  # noqa: PLR0911 - one for each kind
    if character.isascii():
        beside = text[max(0, index - 1) : index], text[index + 1 : index + 2]
        if character == "\r" and not {"\n", ""}.intersection(beside):
            return "a return without a new line"
        return "" if character.isprintable() or character in _ALLOWED_CONTROLS else _NAMES["Cc"]
    if character in _JOINERS:
        return "" if _joins(text, index) else _NAMES["Cf"]
    if character in _MARKS:
        return "" if _is_right_to_left(text) else "a mark that changes the direction"
    if "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069":
        return "a character that reorders the text"
    if "\U000e0000" <= character <= "\U000e007f":
        return "" if _is_flag(text, index) else "a tag"
    if _SELECTORS.match(character):
        return "" if index and _takes_selector(text[index - 1]) else "a variation selector"
    if character in _BLANKS:
        return "a letter that shows nothing"
    if character in ("\u2028", "\u2029"):
        return ""
    return _NAMES.get(unicodedata.category(character), "")


def _joins(text: str, index: int) -> bool:
    """Whether a joiner stands where writing needs it: between emoji, or in a script that has joined letters."""
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    if not before or not after:
        return False
    if before >= "\u2600" and after >= "\u2600":
        return True
    return all("\u0590" <= one <= "\u1cff" and not one.isascii() for one in (before, after))


def _is_flag(text: str, index: int) -> bool:
    begins = text.rfind(_FLAG_BEGINS, max(0, index - _LONGEST_FLAG), index)
    match = _FLAG.match(text, begins) if begins >= 0 else None
    return match is not None and index < match.end()


def _takes_selector(before: str) -> bool:
    return before in "#*0123456789" or (
        before >= "\u00a9" and unicodedata.category(before) in ("So", "Sm", "Po", "Sk", "Lo")
    )


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text if letter.isalpha())


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
