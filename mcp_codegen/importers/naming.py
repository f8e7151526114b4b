"""Names of APIs, gateways and environment variables: each from what it names alone."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_codegen import names


@dataclass(frozen=True, slots=True)
class Called:
    """What an operation may be named after."""

    key: str
    """`METHOD path`."""
    wish: str = ""
    """Its operationId, or what else names it; may be unusable."""


def api_names(operations: Sequence[Called]) -> list[str]:
    """A name for each. Only those that have the very same wish lose it, and are named after method and path."""
    wishes = [usable(one.wish) for one in operations]
    counted = Counter(wishes)
    found = [
        wish if wish and counted[wish] == 1 else from_path(one.key)
        for wish, one in zip(wishes, operations, strict=True)
    ]
    again = Counter(found)
    kept = {wish for wish in wishes if wish and counted[wish] == 1}
    return [
        name if again[name] == 1 or (name in kept and name == wish) else _cut(f"{name}_{_hash(one.key)}", one.key)
        for name, wish, one in zip(found, wishes, operations, strict=True)
    ]


def from_path(key: str) -> str:
    """`GET /invoices/{id}` → `get_invoices_by_id`."""
    method, _, path = key.partition(" ")
    path = re.sub(r"\{([^{}]*)\}", r"/by_\1/", path)
    words = [names.snake_case(part) for part in re.split(r"[/?&=#.,:;]+", path) if re.search(r"[A-Za-z0-9]", part)]
    return _cut("_".join([method.lower(), *words]) if words else f"{method.lower()}_root", key)


_LONGEST = 64
"""Of tool names, as the strictest hosts accept them, and of variables, as the language does."""


def usable(wish: str) -> str:
    """The wish as the strictest hosts accept it; empty where little would be left of it."""
    if names.TOOL_NAME.fullmatch(wish) and re.match("[A-Za-z]", wish):
        return wish
    clean = re.sub(r"[^A-Za-z0-9_-]+", "_", names.tool_name(wish) if not wish.isascii() else wish).strip("_-")
    return _cut(clean, wish) if re.match("[A-Za-z]", clean) else ""


def _cut(name: str, source: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:57].rstrip('_')}_{_hash(source)}"


def gateway_name(text: str) -> str:
    """`uploads.example.com` → `uploads-example-com`."""
    clean = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
    return (clean if re.match("[A-Za-z]", clean) else f"api-{clean}")[:40].rstrip("-")


def variable(*parts: str, ending: Sequence[str] = ()) -> str:
    """An environment variable's name from its parts, without saying anything twice; it ends in one of the endings."""
    words: list[str] = []
    for part in parts:
        more = re.sub(r"[^A-Z0-9]+", "_", names.constant_case(part) if part else "").strip("_").split("_")
        words += more[len(words) :] if more[: len(words)] == words else more
    text = "_".join(word for word in words if word)
    if ending and not text.endswith(tuple(ending)):
        text = f"{text}_{ending[0]}"
    text = text if re.match("[A-Z_]", text) else f"_{text}"
    return text if len(text) <= _LONGEST else f"{text[:57].rstrip('_')}_{_hash(text).upper()}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: names.HASH_LENGTH]
