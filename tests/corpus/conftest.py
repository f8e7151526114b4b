from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.descriptions import FILES, WHY_NOT
from tests.generated import Built, codegen
from tests.runtime.upstream import Upstream

PATIENCE = 250.0
"""Seconds until another worker has built a package."""


@dataclass(frozen=True)
class Imported:
    """A description that became a catalog and a package."""

    built: Built
    catalog: Path
    report: dict[str, Any]

    @property
    def tools(self) -> dict[str, str]:
        """The tool of each operation."""
        of_apis = {about["api"]: tool for tool, about in self.built.metadata["tools"].items()}
        return {entry["operation"]: of_apis[entry["name"]] for entry in self.report["entries"] if entry.get("name")}

    @property
    def settings(self) -> list[str]:
        """The names of its settings."""
        text = (self.built.folder / ".env.example").read_text("utf-8")
        return re.findall(r"^([A-Z_][A-Z0-9_]*)=", text, re.MULTILINE)

    def environ(self, url: str, token_url: str = "") -> dict[str, str]:
        """Settings that lead to a server, each credential a value of its own."""
        made = {name: f"s3cret.{name.lower()}-/+=" for name in self.settings}
        made |= {name: url for name in made if name.endswith("_BASE_URL")}
        return made | {name: token_url for name in made if name.endswith("_TOKEN_URL")}


@pytest.fixture(scope="session")
def everything(common: Path) -> Path:
    """A folder with a catalog and a package for each description, made by the first worker that needs it."""
    if not FILES:
        pytest.skip(WHY_NOT)
    shared = common / "corpus"
    try:
        shared.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + PATIENCE
        while not (shared / "done").exists():
            assert time.monotonic() < deadline, "The other worker has not built the packages."
            time.sleep(0.05)
        return shared
    catalogs = [_catalog(file, shared / file.parent.name) for file in FILES]
    result = codegen("generate", *catalogs, "--out", shared / "out")
    assert result.exit_code == 0, result.stderr
    (shared / "done").touch()
    return shared


def _catalog(file: Path, folder: Path) -> Path:
    folder.mkdir()
    catalog = folder / "api_catalog.json"
    result = codegen("import", file, "--out", catalog, "--report", folder / "report.json")
    assert result.exit_code == 0, result.stderr
    return catalog


@pytest.fixture
def imported(everything: Path) -> Iterator[Callable[[Path], Imported]]:
    """What became of a description; its package can be imported."""
    opened = []

    def find(file: Path) -> Imported:
        folder = everything / file.parent.name
        catalog = folder / "api_catalog.json"
        name = json.loads(catalog.read_text("utf-8"))["name"]
        context = Built(everything / "out" / name).importable()
        built = context.__enter__()
        opened.append(context)
        return Imported(built, catalog, json.loads((folder / "report.json").read_text("utf-8")))

    yield find
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def shared_upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    upstream.start()
    yield upstream
    upstream.stop()


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Upstream:
    shared_upstream.reset()
    return shared_upstream
