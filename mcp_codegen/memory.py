"""What the generator made of which inputs before: digests alone, in the user's cache folder.

Where an output folder holds exactly that, nothing needs to be generated to know it. Losing this costs time and nothing
else: whatever is odd about the folder or a file in it, nothing is remembered. Nobody but the user may write there,
since a forged memory could hide that generated files differ from their catalog.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final

import platformdirs

from mcp_codegen.rendering import templates_folder

VARIABLE: Final = "MCP_CODEGEN_CACHE"
"""Names the folder; `off` is for none."""
KEPT: Final = 200
"""How many packages are remembered, the latest ones."""
_SHAPING: Final = ("black", "jinja2", "pydantic", "pyyaml")
"""The packages that have a say in what is generated."""
_OWN: Final = re.compile(r"[0-9a-f]{64}\.json")
_TO_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH

Digests = Mapping[str, str]
"""Path in the output folder → the digest of the file's content."""


def folder(environ: Mapping[str, str]) -> Path | None:
    """Where things are remembered; None for nowhere."""
    named = environ.get(VARIABLE, "")
    if named == "off":
        return None
    where = Path(named) if named else platformdirs.user_cache_path("mcp-codegen", appauthor=False)
    return where if named or where.is_absolute() else None  # there may be no home


def keys(inputs: Iterable[str]) -> list[str]:
    """What packages are made of, as digests: the inputs of each, and every part of the generator."""
    generator = _generator()
    return [hashlib.sha256(f"{generator} {one}".encode()).hexdigest() for one in inputs]


def _generator() -> str:
    parts = hashlib.sha256(f"{sys.version_info[:2]}\0".encode())
    for package in _SHAPING:
        parts.update(f"{package} {metadata.version(package)}\0".encode())
    for root, pattern in ((Path(__file__).parent, "*.py"), (templates_folder(), "*")):
        for file in sorted(root.rglob(pattern)):
            if file.is_file() and "__pycache__" not in file.parts:
                content = file.read_bytes()
                parts.update(f"{file.relative_to(root).as_posix()} {len(content)}\0".encode() + content)
    return parts.hexdigest()


def recall(where: Path | None, key: str) -> Digests | None:
    """The files that these inputs gave; None where that is not known for sure."""
    if where is None or not _is_own(where):
        return None
    try:
        seal, _, text = (where / f"{key}.json").read_text("utf-8").partition("\n")
        return dict(json.loads(text)) if seal == _seal(key, text) else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def note(where: Path | None, key: str, digests: Digests) -> None:
    """Remember the files that these inputs gave, if that can be done."""
    if where is None:
        return
    text = json.dumps(dict(digests), sort_keys=True)
    with suppress(OSError, ValueError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(where):
            return
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=where, delete=False) as stream:
            try:
                stream.write(f"{_seal(key, text)}\n{text}")
                stream.flush()
                os.replace(stream.name, where / f"{key}.json")
            except BaseException:  # the disk may be full
                os.unlink(stream.name)
                raise
        _forget_the_oldest(where)


def _seal(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()


def _is_own(where: Path) -> bool:
    """Whether it is a folder that nobody but this user writes to."""
    try:
        found = os.stat(where)
    except (OSError, ValueError):
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & _TO_OTHERS)


def _forget_the_oldest(where: Path) -> None:
    """Of this module's own files alone: the folder may be anybody's."""
    own = [file for file in where.iterdir() if _OWN.fullmatch(file.name)]
    for file in sorted(own, key=lambda file: file.lstat().st_mtime_ns, reverse=True)[KEPT:]:
        file.unlink(missing_ok=True)
