"""Small catalogs to compare, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.generated import codegen


def api(**keys: Any) -> dict[str, Any]:
    """One API, as good as any."""
    return {"name": "get_thing", "httpMethod": "POST", "endpoint": "/things", "gateway": "main", **keys}


def catalog(*apis: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A catalog of these APIs."""
    gateways = {"main": {"baseUrl": "${SHOP_URL}", "auth": {"type": "bearer", "env": "SHOP_TOKEN"}}}
    return {"name": "shop", "version": "1.2.3", "gateways": gateways, "apis": list(apis) or [api()], **keys}


def written(file: Path, data: Any) -> Path:
    """A catalog in a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data, indent=2), "utf-8")
    return file


def diff(old: dict[str, Any], new: dict[str, Any], folder: Path, *words: str) -> Result:
    """`mcp-codegen diff` of two catalogs."""
    return codegen("diff", written(folder / "old.json", old), written(folder / "new.json", new), *words)


def compared(old: dict[str, Any], new: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What `mcp-codegen diff --json` says."""
    result = diff(old, new, folder, "--json", "--fail-on", "none")
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))
