"""Whether a text gives a secret away, in whatever form it was written down."""

from __future__ import annotations

import html
import re
from base64 import b64decode
from urllib.parse import unquote

from tests.runtime.doors import KEY, TOKEN


def leaks(text: str, *secrets: str) -> list[str]:
    """Each secret that can be read out of the text."""
    readings = {text, html.unescape(text), unquote(text), _unescaped(text), _unescaped(_unescaped(text))}
    readings |= {"".join(one.split()) for one in readings} | {_unpacked(text)}
    return [secret for secret in secrets or (KEY, TOKEN) if any(secret.lower() in one.lower() for one in readings)]


def _unpacked(text: str) -> str:
    """Whatever could be Base64 in the text, decoded from each digit on that could be a first one."""
    runs = [run.translate({ord("-"): "+", ord("_"): "/"}) for run in re.findall(r"[A-Za-z0-9+/_-]{8,}", text)]
    parts = [run[start:] for run in runs for start in range(4)]
    whole = [part[:-1] if len(part) % 4 == 1 else part for part in parts]
    return " ".join(b64decode(part + "=" * (-len(part) % 4)).decode("latin-1") for part in whole)


def _unescaped(text: str) -> str:
    """A JSON string's text; escapes that are none stay."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    return text.replace("\\/", "/").replace('\\"', '"').replace("\\\\", "\\")
