"""Answers that are no JSON: a page, a text, or bytes, the same for the same inputs."""

from __future__ import annotations

from typing import Final

from mcp_codegen.standin.draw import Draw

BYTES: Final = 256
_BEGINNINGS: Final = {
    "application/pdf": b"%PDF-1.4\n",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}


def make(media_type: str, draw: Draw) -> str | bytes:
    """A document of a media type: what begins like one, and is none that could be opened."""
    number = draw.digits(8)
    if media_type == "text/html":
        return f"<!doctype html><title>{number}</title><p>An answer of the stand-in.</p>\n"
    if media_type.endswith(("+xml", "/xml")):
        return f"<answer><number>{number}</number></answer>\n"
    if media_type.startswith("text/"):
        return f"number,said\n{number},an answer of the stand-in\n"
    return _BEGINNINGS.get(media_type, b"") + bytes(draw.below(256) for _ in range(BYTES))
