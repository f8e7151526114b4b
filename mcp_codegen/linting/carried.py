"""What a text carries besides words: links, encoded data, markup, places on a machine, markers of a conversation."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from mcp_codegen.errors import shown
from mcp_codegen.linting.saying import hiding, marking, pattern

# --- links ------------------------------------------------------------------------------------------------------------

_URL: Final = re.compile(r"\b(?:https?|ftps?|wss?|hxxps?)(?:://|:\\\\|\[:\]//)[^\s<>\"'`|\]\[)]+", re.IGNORECASE)
_PAGES: Final = re.compile(
    r"^(?:docs?|dev|developers?|support|help|api|www|learn|wiki|blog|tools|datatracker|en|github)\.|github|example\.",
    re.IGNORECASE,
)
"""Hosts whose paths may be about anything."""
_ODD_TLD: Final = re.compile(
    r"\.(?:tk|ml|ga|cf|gq|xyz|top|click|zip|mov|ru|su|cc|pw|icu|buzz|rest|cam|quest|monster|sbs|evil|onion|tld|attacker)$",
    re.IGNORECASE,
)
_IP: Final = re.compile(
    r"^(?:\d{1,3}(?:\.\d{1,3}){3}|0x[0-9a-f]+|\d{8,10}|\[?[0-9a-f:]*:[0-9a-f:]+\]?)$", re.IGNORECASE
)
_LOCAL: Final = re.compile(r"^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|::1)$")


def links(text: str) -> Iterator[tuple[str, str]]:
    """The rule and what is said, for each link."""
    if ":" in text or "." in text:
        for match in pattern("scheme").finditer(text):
            yield "suspicious-url", f"{shown(match[0])} is no link to a page"
        for match in pattern("bare").finditer(text):
            yield "suspicious-url", f"{shown(match[0])} is a service that hides or collects"
    if "//" not in text and ":\\\\" not in text:
        return
    for match in _URL.finditer(text):
        url = match[0].rstrip(".,;:!?)]}*_")
        if why := _suspicious(url, text[: match.start()]):
            yield "suspicious-url", f"{shown(url)} {why}"
        else:
            yield "url", f"it links to {shown(url)}"


def urls(text: str) -> set[str]:
    """The links of a text."""
    return {match[0].rstrip(".,;:!?)]}*_") for match in _URL.finditer(text)}


def _suspicious(url: str, before: str) -> str:  # noqa: PLR0911 - one for each reason
    if not url.lower().startswith("http"):
        return "is disguised" if url.lower().startswith("hxxp") else "is no page to read"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "" if re.search(r":(?:port|\{|<|\[|\$)", url, re.IGNORECASE) else "is no URL"
    if "@" in parts.netloc and not parts.netloc.startswith(("{", "<")):
        return "carries a user or a password"
    if not host.isascii() or host.startswith("xn--") or ".xn--" in host:
        return "has a host in letters that may look like others"
    if _IP.match(host) and not _LOCAL.match(host):
        return "names an address in place of a host"
    if (
        pattern("shady").search(host)
        or _ODD_TLD.search(host)
        or (not _PAGES.search(host) and pattern("shady").search(parts.path))
    ):
        return "does not look like a page to read"
    if pattern("filled").search(url[len(parts.scheme) + 3 :]):
        return "is to be filled with data"
    return "is where something shall be sent or fetched" if pattern("lead").search(before[-120:]) else ""


# --- encoded data -----------------------------------------------------------------------------------------------------

_BASE64: Final = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/=-])")
_HEX: Final = re.compile(r"(?<![\w-])(?:0x)?(?:[0-9a-fA-F]{2}[ :]?){12,}(?![\w-])")
_ESCAPED: Final = re.compile(
    r"(?:\\x[0-9a-fA-F]{2}){4,}|(?:\\u[0-9a-fA-F]{4}){4,}|(?:%[0-9a-fA-F]{2}){6,}|(?:&#x?[0-9a-fA-F]{2,6};){4,}|(?:\\[0-7]{3}){4,}"
)
_BINARY: Final = re.compile(r"\b(?:[01]{8}[ ,]?){4,}\b")
_NUMBERS: Final = re.compile(r"(?:\b(?:[3-9]\d|1[01]\d|12[0-6])\b[ ,]{1,2}){8,}")
_BASE32: Final = re.compile(r"(?<![\w=])[A-Z2-7]{24,}={0,6}(?![\w=])")
_MORSE: Final = re.compile(r"(?:[.-]{1,5}[ /]){8,}")
_DIGITS: Final = re.compile(r"(?:0x)?[0-9a-fA-F]+")
"""A digest, as a rule; as text it is looked at elsewhere."""
_JWT: Final = "eyJ"
_LONG: Final = 48
_SHORTEST: Final = 8
_SAID: Final = 0.9
"""The share of letters and blanks from which on bytes are text."""


def encoded(text: str) -> Iterator[tuple[str, str]]:
    """What is said of each encoded piece, and what it says when it is decoded; empty where that is no text."""
    for match in _ESCAPED.finditer(text):
        yield f"{shown(match[0])} is written in escapes", ""
    for match in _BINARY.finditer(text):
        yield f"{shown(match[0])} is binary", _text(bytes(int(one, 2) for one in re.findall(r"[01]{8}", match[0])))
    for match in _NUMBERS.finditer(text):
        if (said := _text(bytes(int(one) for one in re.findall(r"\d+", match[0])))) and " " in said:
            yield f"{shown(match[0])} is text in numbers", said
    if morse := _MORSE.search(text):
        yield f"{shown(morse[0])} is Morse code", ""
    for match in _HEX.finditer(text):
        said = _text(bytes.fromhex(re.sub(r"[ :]|^0x", "", match[0])))
        if said:
            yield f"{shown(match[0])} is text in hexadecimal digits", said
    yield from _base64(text)


def _base64(text: str) -> Iterator[tuple[str, str]]:
    for match in _BASE64.finditer(text):
        piece = match[0]
        if piece.startswith(_JWT) or not _is_mixed(piece) or _DIGITS.fullmatch(piece):
            continue
        said = _text(_decoded(piece))
        if said:
            yield f"{shown(piece)} is text in Base64", said
        elif len(piece) >= _LONG and re.search(r"\d", piece) and (not re.search(r"[-_/]", piece) or _is_random(piece)):
            yield f"{shown(piece)} looks like encoded data", ""
    for match in _BASE32.finditer(text):
        try:
            said = _text(base64.b32decode(match[0].rstrip("=") + "=" * (-len(match[0].rstrip("=")) % 8)))
        except binascii.Error:
            said = ""
        if said:
            yield f"{shown(match[0])} is text in Base32", said


def _is_mixed(piece: str) -> bool:
    """Whether it is neither a word, nor a path, nor a name of a program."""
    kinds = sum(any(test(c) for c in piece) for test in (str.isupper, str.islower, str.isdigit))
    return kinds > 1 and not re.fullmatch(r"[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*\d*|[\w]+(?:[-_/][a-z]\w*)+", piece)


def _is_random(piece: str) -> bool:
    changes = sum(one.isupper() != two.isupper() for one, two in pairwise(piece))
    return changes > len(piece) / 4 and any(map(str.isdigit, piece))


def _decoded(piece: str) -> bytes:
    bare = piece.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _text(content: bytes) -> str:
    """What bytes say, if they are text."""
    try:
        said = content.decode()
    except UnicodeDecodeError:
        return ""
    letters = sum(c.isalnum() or c in " \n.,:;!?'\"/-_@" for c in said)
    is_text = (
        len(said) >= _SHORTEST and all(c.isprintable() or c in "\n\r\t" for c in said) and letters >= _SAID * len(said)
    )
    return said if is_text and sum(map(str.isalpha, said)) > len(said) / 2 else ""


# --- markup -----------------------------------------------------------------------------------------------------------

_LINK: Final = re.compile(r"\[([^\]\n]{3,200})\]\(\s*(https?://[^)\s]+)", re.IGNORECASE)
_CERTAIN: Final = re.compile(r"://|^www\.|\.(?:com|org|net|io|gov|edu|info|dev)$", re.IGNORECASE)
_SHOWN_HOST: Final = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})\b", re.IGNORECASE)


def markup(text: str) -> Iterator[str]:
    """What is said of markup that hides, loads or runs."""
    if not any(sign in text for sign in "<[%{\x1b\\/"):
        return
    yield from (said for said, form in hiding() if form.search(text))
    for match in _LINK.finditer(text):
        try:
            leads = (urlsplit(match[2]).hostname or "").lower().removeprefix("www.")
        except ValueError:
            continue
        named = _SHOWN_HOST.fullmatch(
            match[1].strip().split("/")[0] if "//" not in match[1] else match[1].split("/")[2]
        )
        if named and _CERTAIN.search(match[1]) and named[1].lower().removeprefix("www.") != leads:
            yield f"a link says {shown(match[1])} and leads to {shown(leads)}"


# --- places and markers -----------------------------------------------------------------------------------------------


_PLACED: Final = re.compile(r"[/\\~_]|\.\w|keychain|printenv|local state|login data", re.IGNORECASE)
"""What each of those places has."""


def sensitive(text: str) -> Iterator[str]:
    """What is said of places on a machine where secrets are kept."""
    if _PLACED.search(text) and (match := pattern("sensitive").search(text)):
        yield f"{shown(match[0])} stands in it"


def markers(text: str) -> Iterator[str]:
    """What is said of what looks like a piece of a conversation with a model."""
    for form in marking():
        if match := form.search(text):
            yield f"{shown(match[0].strip())} looks like a part of a conversation with a model"
            return
