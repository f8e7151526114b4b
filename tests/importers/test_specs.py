"""One small description for each rule: the catalog it becomes and the report, byte for byte.

After a wanted change, `pytest tests/importers/test_specs.py --snapshot-update` writes the golden files anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_codegen import checked, parsing, rules
from tests.importers.importing import SPECS, imported

GOLDEN = Path(__file__).parent / "golden"
OPTIONS = {"tmf": ["--preset", "tmf630"]}


@pytest.fixture(params=sorted(path.name for path in SPECS.iterdir()))
def spec(request: pytest.FixtureRequest) -> Path:
    return SPECS / request.param


def test_a_description_becomes_the_golden_catalog_with_the_golden_report(spec: Path, tmp_path: Path, golden):
    out, report = tmp_path / f"{spec.stem}.json", tmp_path / "report.txt"
    imported(spec, out, "--report", report, *OPTIONS.get(spec.stem, []))
    golden.file(GOLDEN / f"{spec.stem}.json", out.read_text("utf-8"))
    golden.file(GOLDEN / f"{spec.stem}.txt", report.read_text("utf-8").replace(f"{SPECS}/", ""))


def test_an_imported_catalog_has_no_problems_and_no_secret(spec: Path, tmp_path: Path):
    data = imported(spec, tmp_path / "x.json")
    parsed = parsing.parse(data)
    assert parsed.catalog is not None
    assert (parsed.problems, rules.check(checked.read(parsed.catalog))) == ((), [])
    assert "s3cret" not in json.dumps(data)


def test_importing_twice_writes_the_same_bytes(spec: Path, tmp_path: Path):
    out = tmp_path / "x.json"
    imported(spec, out, *OPTIONS.get(spec.stem, []))
    first = out.read_bytes()
    imported(spec, out)
    assert out.read_bytes() == first
