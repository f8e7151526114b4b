"""Keys for small installations: made here, given to one caller each, and kept as their hashes only."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import NotConfigured
from .scopes import SCOPES

REMEDY = "Make lines with the verb `key`: NAME:SCOPES:HASH."
KEY_BYTES = 32
"""Of randomness: a key cannot be guessed, so that a plain hash keeps it."""

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """Whose key it is, what its holder may do, and the key's SHA-256 in hexadecimal digits."""

    name: str
    scopes: tuple[str, ...]
    digest: str

    def __str__(self) -> str:
        """The line to store."""
        return f"{self.name}:{','.join(self.scopes)}:{self.digest}"


def make_key(name: str, scopes: Sequence[str]) -> tuple[str, StoredKey]:
    """A new key, and what is to be stored of it. Raises `NotConfigured` for a name or a scope that is none."""
    key = secrets.token_urlsafe(KEY_BYTES)
    return key, _stored(name, scopes, _digest(key), "the words of the verb")


def read_keys(lines: Iterable[str], source: str) -> tuple[StoredKey, ...]:
    """What stands in the lines; blank ones and comments (`#`) count for nothing. Raises `NotConfigured`."""
    written = [line.strip() for line in lines]
    parts = [line.split(":", 2) for line in written if line and not line.startswith("#")]
    if any(len(three) < len(("name", "scopes", "hash")) for three in parts):  # perhaps a key itself: nothing is shown
        raise NotConfigured(f"A line of {source} is not NAME:SCOPES:HASH.", "Keep the line that the verb key prints.")
    keys = tuple(_stored(name, words.split(","), digest, source) for name, words, digest in parts)
    for kind, values in (("name", [key.name for key in keys]), ("key", [key.digest for key in keys])):
        if len(set(values)) < len(values):
            raise NotConfigured(
                f"{source} holds the same {kind} twice.", "Each caller has a name and a key of its own."
            )
    return keys


def holder(keys: Iterable[StoredKey], key: str) -> StoredKey | None:
    """Whose key it is. It takes as long for each."""
    digest = _digest(key)
    found = [stored for stored in keys if hmac.compare_digest(stored.digest, digest)]
    return found[0] if found else None


def _stored(name: str, scopes: Iterable[str], digest: str, source: str) -> StoredKey:
    words = tuple(scope for scope in scopes if scope)
    if not _NAME.fullmatch(name):
        raise NotConfigured(f"A name in {source} is none: letters, digits and _.@- are, up to 64.", REMEDY)
    if not words or not set(words) <= set(SCOPES):
        raise NotConfigured(f"The scopes of {name} in {source} are not among {', '.join(SCOPES)}.", REMEDY)
    if not _HASH.fullmatch(digest):  # perhaps a key itself, which is not shown
        raise NotConfigured(f"The hash of {name} in {source} is not 64 hexadecimal digits.", REMEDY)
    return StoredKey(name, words, digest)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
