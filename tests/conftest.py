from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["MCP_CODEGEN_CACHE"] = "off"  # nothing that was generated before has a say

# The same examples in every run; `pytest --hypothesis-profile=default` tries others, `=many` many others.
settings.register_profile("same", derandomize=True)
settings.register_profile("many", max_examples=800, deadline=None)
settings.load_profile("same")


@dataclass(frozen=True)
class Golden:
    """Files with names of their own that hold what a test expects; `--snapshot-update` writes them anew."""

    update: bool

    def file(self, path: Path, text: str) -> None:
        """The file holds this text."""
        if self.update:
            path.write_text(text, "utf-8", newline="\n")
        assert path.is_file(), f"{path} is missing: run pytest with --snapshot-update, and read what it wrote"
        assert text == path.read_bytes().decode(), f"see {path}; --snapshot-update writes it anew"

    def folder(self, path: Path, files: Mapping[str, str]) -> None:
        """The folder holds these files and no others."""
        found = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
        if self.update:
            for name in found - files.keys():
                (path / name).unlink()
            for name in files:
                (path / name).parent.mkdir(parents=True, exist_ok=True)
            found = set(files)
        assert sorted(found) == sorted(files), f"see {path}; --snapshot-update writes it anew"
        for name, text in files.items():
            self.file(path / name, text)


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=request.config.getoption("--snapshot-update"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
