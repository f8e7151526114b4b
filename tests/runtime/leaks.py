"""Whether a text gives a secret away, in whatever form it was written down."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

from tests.runtime.doors import KEY, TOKEN


def leaks(text: str, *secrets: str) -> list[str]:
    """Each secret that can be read out of the text."""
    readings = {text, html.unescape(text), unquote(text), _unescaped(text), _unescaped(_unescaped(text))}
    readings |= {"".join(one.split()) for one in readings}
    return [secret for secret in secrets or (KEY, TOKEN) if any(secret in one for one in readings)]


def _unescaped(text: str) -> str:
    """A JSON string's text; escapes that are none stay."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    return text.replace("\\/", "/").replace('\\"', '"').replace("\\\\", "\\")
