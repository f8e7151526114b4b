"""Our own secrets, taken out of what an upstream says: some echo the request in their errors."""

from __future__ import annotations

import re
from functools import lru_cache

MASK = b"***"


def masked(content: bytes, secrets: tuple[str, ...]) -> bytes:
    """The content without the secrets, plain or as writers of JSON, URLs and HTML escape them."""
    for secret in secrets:
        content = _pattern(secret).sub(MASK, content)
    return content


@lru_cache(maxsize=32)
def _pattern(secret: str) -> re.Pattern[bytes]:
    return re.compile(b"".join(map(_character, secret)))


def _character(character: str) -> bytes:
    """A character, and its escapes: `\\/`, `\\u002f`, `%2f`, `&#47;`, `&#x2f;`, `&amp;`."""
    plain = re.escape(character.encode())
    code = ord(character)
    # Bounded repeats: a long row of backslashes must not cost its square.
    escapes = [rb"\\{1,4}(?i:u%04x)" % code, rb"&#(?:0{0,4}%d|(?i:x0{0,4}%x));" % (code, code)]
    escapes.append(b"(?i:%s)" % b"".join(b"%%%02x" % one for one in character.encode()))
    if not character.isalnum():
        escapes.append(rb"\\{1,4}" + plain)
    if character in _NAMED:
        escapes.append(b"&%s;" % _NAMED[character])
    return b"(?:%s)" % b"|".join([plain, *escapes])


_NAMED = {"&": b"amp", "<": b"lt", ">": b"gt", '"': b"quot", "'": b"apos"}
