"""What the tests of importers share: the command itself, run in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from mcp_codegen.cli import main

SPECS = Path(__file__).parent / "specs"


def run(*words: object, text: str | None = None) -> Result:
    """`mcp-codegen import …`; never a traceback."""
    result = CliRunner().invoke(main, ["import", *map(str, words)], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def imported(spec: Path, out: Path, *options: object) -> dict[str, Any]:
    """The catalog that an import writes."""
    result = run(spec, "--out", out, *options)
    assert result.exit_code == 0, result.stderr
    catalog: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return catalog


def written(path: Path, data: object) -> Path:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), "utf-8")
    return path


def api(catalog: dict[str, Any], name: str) -> dict[str, Any]:
    """The API of that name."""
    (found,) = [one for one in catalog["apis"] if one["name"] == name]
    return found
