from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Golden:
    """Files with names of their own that hold what a test expects; `--snapshot-update` writes them anew."""

    update: bool

    def file(self, path: Path, text: str) -> None:
        """The file holds this text."""
        if self.update:
            path.write_text(text, "utf-8", newline="\n")
        assert path.is_file(), f"{path} is missing: run pytest with --snapshot-update, and read what it wrote"
        assert path.read_bytes().decode() == text

    def folder(self, path: Path, files: Mapping[str, str]) -> None:
        """The folder holds these files and no others."""
        found = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
        if self.update:
            for name in found - files.keys():
                (path / name).unlink()
            for name in files:
                (path / name).parent.mkdir(parents=True, exist_ok=True)
            found = set(files)
        assert found == set(files)
        for name, text in files.items():
            self.file(path / name, text)


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=request.config.getoption("--snapshot-update"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
