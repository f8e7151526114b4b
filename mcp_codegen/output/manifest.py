"""`.mcp-codegen.json`: which files of the output folder the generator wrote, and with what content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp_codegen import __version__
from mcp_codegen.errors import OutputError

MANIFEST = ".mcp-codegen.json"
TEMPORARY = ".mcp-codegen.tmp"
"""Where one file at a time is written when files are replaced one by one."""

Owned = Mapping[str, frozenset[str]]
"""Path → the digests that the file may have without a person having edited it."""

_REMEDY = (
    f"bring {MANIFEST} back from version control (after a merge, either side will do) and generate with --force; "
    "or delete it, and every generated file that is then reported as in the way"
)


def digest(content: bytes) -> str:
    """A content's fingerprint as the manifest holds it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def render(owned: Owned) -> bytes:
    """The manifest's own content: the same for the same files, whatever their order."""
    files = {path: _one_or_list(sorted(owned[path])) for path in sorted(owned)}
    return (json.dumps({"files": files, "generator": f"mcp-codegen {__version__}"}, indent=2) + "\n").encode()


def read(content: bytes, file: Path) -> Owned:
    """What a manifest says. Raises `OutputError` if it is not one that the generator wrote."""
    try:
        files = json.loads(content)["files"]
        owned = {path: _digests(found) for path, found in files.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise OutputError(f"{file}: this list of generated files cannot be read; {_REMEDY}") from error
    if not all(is_inside(path) for path in owned):
        raise OutputError(f"{file}: this list of generated files names files outside of its folder; {_REMEDY}")
    return owned


def is_inside(path: str) -> bool:
    """Whether a path is a plain relative POSIX path that cannot leave its folder."""
    parts = path.split("/")
    return all(parts) and not {".", ".."}.intersection(parts) and "\\" not in path and "\0" not in path


def _one_or_list(digests: list[str]) -> str | list[str]:
    return digests[0] if len(digests) == 1 else digests


def _digests(found: Any) -> frozenset[str]:  # noqa: ANN401 - whatever stands in the file
    digests = [found] if isinstance(found, str) else found
    if not isinstance(digests, list) or not all(isinstance(one, str) for one in digests):
        raise TypeError
    return frozenset(digests)
