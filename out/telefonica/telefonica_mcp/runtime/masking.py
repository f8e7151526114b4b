"""Our own secrets, taken out of what an upstream says: some echo the request in their errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

MASK = b"***"


def masked(content: bytes, secrets: tuple[str, ...]) -> bytes:
    """The content without the secrets, plain or as writers of JSON, URLs and HTML escape them."""
    for secret in secrets:
        plain = secret.encode()
        if plain in content:
            content = content.replace(plain, MASK)
        if _escapes(secret).search(content):  # seldom, and many times cheaper to look for than the whole pattern
            content = _pattern(secret).sub(MASK, content)
    return content


@lru_cache(maxsize=32)
def _pattern(secret: str) -> re.Pattern[bytes]:
    """The secret with any of its characters escaped."""
    return re.compile(b"".join(b"(?:%s|%s)" % (re.escape(one.encode()), _escaped(one)) for one in secret))


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
