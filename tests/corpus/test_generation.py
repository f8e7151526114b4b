"""Descriptions of real APIs become packages: a tool for every operation, in code that compiles and type-checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.corpus.conftest import Imported
from tests.corpus.descriptions import FILES, described, each

STRICT_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@each
def test_every_operation_is_a_tool_or_has_a_reason(file: Path | None, imported: Callable[[Path], Imported]):
    description = described(file)
    found = imported(file)
    left_out = {entry["operation"] for entry in found.report["entries"] if entry.get("reason")}
    operations = {one.key for one in description.operations}
    assert operations == found.tools.keys() | left_out
    assert sorted(found.built.listing) == sorted(found.tools.values())
    assert all(STRICT_NAME.fullmatch(name) for name in found.built.listing)
    assert found.built.functions.keys() == found.built.listing.keys()


@each
def test_every_module_compiles(file: Path | None, imported: Callable[[Path], Imported]):
    described(file)
    built = imported(file).built
    for module in built.modules:
        built.load(module)


def test_all_code_passes_mypy_strict(everything: Path, mypy: Callable[..., str]):
    described(FILES[0] if FILES else None)
    assert mypy(*sorted(everything.glob("out/*/*_mcp"))) == ""
