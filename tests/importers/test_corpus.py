"""Descriptions of real APIs: all of each comes in, and what it becomes is a catalog without problems."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mcp_codegen import checked, listing, parsing, rules, source
from tests import hosts
from tests.importers.importing import imported

BESIDE = Path(__file__).parents[2].parent / "shared" / "corpus"
CORPUS = Path(os.environ.get("MCP_CODEGEN_CORPUS", BESIDE))
DESCRIPTIONS = sorted(path for path in CORPUS.glob("*/*") if path.suffix in (".json", ".yaml", ".yml"))
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(params=DESCRIPTIONS or [None], ids=lambda path: path.parent.name if path else "none")
def description(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip(f"no descriptions stand in {CORPUS}; MCP_CODEGEN_CORPUS names another folder")
    return request.param


@pytest.mark.parametrize("options", [[], ["--preset", "tmf630"]], ids=["plain", "tmf630"])
def test_every_operation_becomes_an_api_or_has_a_reason(description: Path, options: list[str], tmp_path: Path):
    report = tmp_path / "report.json"
    data = imported(description, tmp_path / "corpus.json", "--report", report, *options)
    told = json.loads(report.read_text())
    paths = source.load(description).data["paths"]
    operations = [f"{method.upper()} {path}" for path, node in paths.items() for method in node if method in METHODS]
    assert sorted(entry["operation"] for entry in told["entries"]) == sorted(operations)
    assert len(data["apis"]) + told["leftOut"] == len(operations)
    assert all(entry["reason"] for entry in told["entries"] if entry["outcome"] == "left out")
    parsed = parsing.parse(data)
    assert parsed.catalog is not None
    whole = checked.read(parsed.catalog)
    assert (parsed.problems, rules.check(whole)) == ((), [])
    assert hosts.refusals({"tools": listing.list_tools(whole).tools}) == []


def test_importing_again_changes_nothing(description: Path, tmp_path: Path):
    out = tmp_path / "corpus.json"
    imported(description, out)
    before = out.read_bytes()
    imported(description, out)
    assert out.read_bytes() == before
