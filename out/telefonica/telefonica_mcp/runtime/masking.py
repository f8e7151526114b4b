"""Our own secrets, taken out of what an upstream says: some echo the request in their errors."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache

MASK = b"***"
SHORTEST_PACKED = 6
"""Bytes of a secret that is looked for in Base64: of shorter ones the digits are found everywhere."""
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def masked(content: bytes, secrets: tuple[str, ...]) -> bytes:
    """The content without the secrets: plain in any case, as writers of JSON, URLs and HTML escape them, in Base64."""
    for secret in secrets:
        # To look for what is seldom there is many times cheaper than the whole pattern.
        if secret.encode().lower() in content.lower() or _escapes(secret).search(content):
            content = _pattern(secret).sub(MASK, content)
        for packed in _in_base64(secret):
            content = content.replace(packed, MASK)
    return content


@lru_cache(maxsize=32)
def _pattern(secret: str) -> re.Pattern[bytes]:
    """The secret with any of its characters escaped."""
    either = (b"(?:%s|%s)" % (re.escape(one.encode()), _escaped(one)) for one in secret)
    return re.compile(b"".join(either), re.IGNORECASE)


@lru_cache(maxsize=32)
def _in_base64(secret: str) -> frozenset[bytes]:
    """What the secret is in Base64 (RFC 4648), wherever in a text it stands: the digits that it alone decides."""
    plain = secret.encode()
    if len(plain) < SHORTEST_PACKED:
        return frozenset()
    digits = [
        b64encode(b"\0" * ahead + plain)[-(-8 * ahead // 6) : 8 * (ahead + len(plain)) // 6] for ahead in range(3)
    ]
    return frozenset(digits) | {one.translate(_URL_SAFE) for one in digits}


@lru_cache(maxsize=32)
def _escapes(secret: str) -> re.Pattern[bytes]:
    """An escape of any of the secret's characters."""
    return re.compile(_escaped(secret))


def _escaped(characters: str) -> bytes:
    """An escape of one of the characters: `\\/`, `\\u002f`, `%2f`, `&#47;`, `&#x2f;`, `&amp;`.

    Each kind begins with a letter of its own, which regular expressions look for first. Bounded repeats: a long row of
    backslashes must not cost its square.
    """
    different = sorted(set(characters))
    codes = [ord(one) for one in different]
    marks = [re.escape(one.encode()) for one in different if not one.isalnum()]
    slashed = _one_of([b"(?i:u%s)" % _one_of(b"%04x" % code for code in codes), *marks])
    named = [b"%s;" % _NAMED[one] for one in different if one in _NAMED]
    numbered = [b"0{0,4}%d" % code for code in codes] + [b"(?i:x0{0,4}%s)" % _one_of(b"%x" % code for code in codes)]
    entity = _one_of([b"#%s;" % _one_of(numbered), *named])
    percent = _one_of(b"%".join(b"%02x" % byte for byte in one.encode()) for one in different)
    return rb"\\\\{0,3}%s|&%s|%%(?i:%s)" % (slashed, entity, percent)


def _one_of(forms: Iterable[bytes]) -> bytes:
    return b"(?:%s)" % b"|".join(forms)


_NAMED = {"&": b"amp", "<": b"lt", ">": b"gt", '"': b"quot", "'": b"apos"}
