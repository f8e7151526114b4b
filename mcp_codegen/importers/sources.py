"""Where documents come from: files under one root folder, and other servers where they are allowed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from mcp_codegen import source
from mcp_codegen.errors import CatalogError, Diagnostic, shown
from mcp_codegen.importers import remote
from mcp_codegen.importers.references import Read, RefusedError
from mcp_codegen.source import Source

_ENDINGS = (".json", ".yaml", ".yml")
_VERSION = re.compile(rb"""(?:^|[{,])\s*["']?(?:openapi|swagger)["']?\s*:\s*["']?[23]\b""", re.MULTILINE)
_ALLOW = "read it with --allow-remote, or save it beside the description"


def main_file(spec: Path) -> Path:
    """The description's own file: the file itself, or the one in a folder that is a root. Raises `CatalogError`."""
    if not spec.is_dir():
        return spec
    files = sorted(path for path in spec.iterdir() if path.suffix.lower() in _ENDINGS and path.is_file())
    named = [path for path in files if path.stem.lower() in ("openapi", "swagger")]
    found = named or [path for path in files if _is_root(path)]
    if len(found) == 1:
        return found[0]
    said = "several descriptions stand in this folder" if found else "no description stands in this folder"
    hint = "name one of them: " + ", ".join(shown(path.name) for path in found[:5]) if found else "name a file"
    raise CatalogError([Diagnostic(str(spec), 1, 1, "$", said, hint)])


def _is_root(path: Path) -> bool:
    """Whether the key that only a whole description has stands in a file, wherever its author's tools put it."""
    with path.open("rb") as stream:
        return _VERSION.search(stream.read(source.MAX_BYTES)) is not None


def reader(root: Path, shown_root: Path, *, allow_remote: bool) -> Read:
    """Reads documents by their keys: paths from the root folder, and URLs where they are allowed."""
    base = root.resolve()
    fetched: list[str] = []

    def read(key: str, referrer: str) -> Source:
        if remote.is_url(key):
            if not key.startswith(("http://", "https://")):
                raise RefusedError(f"{shown(key)} is no http or https URL", "save the document beside the description")
            if not allow_remote:
                raise RefusedError(f"{shown(key)} is remote", _ALLOW)
            fetched.append(key)
            if len(fetched) > remote.MAX_DOCUMENTS:
                raise RefusedError(f"more than {remote.MAX_DOCUMENTS} remote documents", _ALLOW.partition(", or ")[2])
            return source.parse(remote.fetch(key, referrer), key, forgive=True)
        try:
            path = (base / key).resolve()
            is_folder = path.exists() and not path.is_file()
        except (OSError, ValueError) as error:
            raise RefusedError(f"{shown(key)} cannot be a file's name", "name a file") from error
        if not path.is_relative_to(base):
            raise RefusedError(
                f"{shown(key)} stands outside of {shown(str(shown_root))}",
                "move it there, or name a folder around both with --root",
            )
        if is_folder:
            raise RefusedError(f"{shown(key)} is no file", "name a file")
        return replace(source.load(path, forgive=True), file=str(shown_root / key))

    return read
