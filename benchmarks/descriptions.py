"""What is measured: the largest descriptions of the corpus, GitHub's, or those that the command line names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.children import BrokenError

ROOT: Final = Path(__file__).parent.parent
BUILD: Final = ROOT / "build" / "bench"
"""What the benchmarks fetch and install, kept for the next time; git ignores it."""
LARGEST: Final = 3
"""How many descriptions of a folder are measured."""
GITHUB: Final = "github"
GITHUB_PACKAGE: Final = "@octokit/openapi@23.0.2"
GITHUB_FILE: Final = "package/generated/api.github.com.json"
INVOICES: Final = Path(__file__).parent / "invoices.json"
"""The small description whose tool is called."""


@dataclass(frozen=True, slots=True)
class Spec:
    """An API's description, or a catalog of this project's own."""

    name: str
    file: Path
    is_catalog: bool = False


def named(file: Path) -> Spec:
    """A file as it was named; an `api_catalog` is a catalog. Raises `BrokenError` where there is none."""
    if not file.is_file():
        raise BrokenError(f"{file}: there is no such file")
    is_catalog = file.stem == "api_catalog"
    return Spec(GITHUB if file.name == Path(GITHUB_FILE).name else _name(file), file.resolve(), is_catalog)


def corpus() -> list[Spec]:
    """The largest descriptions of the folder that `MCP_CODEGEN_CORPUS` names, or that stands beside the checkout.

    Without one, this project's own: the flagship's catalog, and the largest of the tests' cases.
    """
    folder = Path(os.environ.get("MCP_CODEGEN_CORPUS") or ROOT.parent / "shared" / "corpus")
    files = [file for file in folder.glob("*/*") if file.suffix in {".json", ".yaml", ".yml"}]
    if files:
        return [Spec(_name(file), file) for file in largest(files)]
    cases = [file for file in (ROOT / "tests" / "cases").glob("*/api_catalog.*") if file.stat().st_size]
    flagship = ROOT / "catalog" / "telefonica" / "api_catalog.json"
    return [Spec(_name(file), file, is_catalog=True) for file in (flagship, *largest(cases)[: LARGEST - 1])]


def largest(files: Iterable[Path]) -> list[Path]:
    """The largest of some files, the largest first."""
    return sorted(files, key=lambda file: (-file.stat().st_size, str(file)))[:LARGEST]


def github() -> Spec:
    """GitHub's description, which npm brings. Raises `BrokenError` with the reason why it cannot be had."""
    file = BUILD / "octokit-openapi-23.0.2.json"
    if not file.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise BrokenError("npm, which brings it, is not on the PATH")
        BUILD.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            [npm, "pack", "--json", GITHUB_PACKAGE], cwd=BUILD, capture_output=True, text=True, check=False
        )
        if packed.returncode:
            raise BrokenError(f"npm pack {GITHUB_PACKAGE} failed: {' '.join(packed.stderr.split())[:200]}")
        _unpack(BUILD / json.loads(packed.stdout)[0]["filename"], file)
    return Spec(GITHUB, file)


def _unpack(archive: Path, file: Path) -> None:
    with tarfile.open(archive) as opened:
        member = opened.extractfile(GITHUB_FILE)
        if member is None:
            raise BrokenError(f"{archive.name} holds no {GITHUB_FILE}")
        part = file.with_suffix(".part")
        with part.open("wb") as stream:
            shutil.copyfileobj(member, stream)
        part.replace(file)
    archive.unlink()


def _name(file: Path) -> str:
    return file.stem if file.stem not in {"openapi", "api_catalog", "swagger"} else file.parent.name
