"""What the flagship catalog is rendered to, file by file; review a changed snapshot like code."""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from mcp_codegen import pipeline

FLAGSHIP = Path(__file__).parent.parent / "catalog" / "telefonica" / "api_catalog.json"
RENDERED = {path: text for path, text in pipeline.generate([FLAGSHIP])[0].files.items() if "/runtime/" not in path}


@pytest.mark.parametrize("path", sorted(RENDERED))
def test_a_rendered_file_is_as_it_was_reviewed(path: str, snapshot: SnapshotAssertion):
    assert RENDERED[path] == snapshot


def test_the_committed_package_is_what_was_reviewed():
    out = FLAGSHIP.parents[2] / "out" / "telefonica"
    assert {path: (out / path).read_text("utf-8") for path in RENDERED} == RENDERED
